// The SIP ladder: which side of us each message belongs to, and when it came.
import { toMs } from "./time";
import type { SipMessage } from "./types";

export type Side = "caller" | "callee";

export interface Rung {
  readonly message: SipMessage;
  readonly side: Side;
  /** Which way the arrow points when the caller stands left and the callee right. */
  readonly points: "right" | "left";
  readonly offsetS: number;
}

/** Messages in the order of time. The peer of the first one is the caller; every other peer stands on the far side. */
export function rungs(messages: readonly SipMessage[]): readonly Rung[] {
  const first = messages[0];
  if (first === undefined) return [];
  const start = toMs(first.at);
  return messages.map((message) => {
    const side = message.remote === first.remote ? "caller" : "callee";
    return {
      message,
      side,
      points: (side === "caller") === (message.direction === "received") ? "right" : "left",
      offsetS: (toMs(message.at) - start) / 1000,
    };
  });
}
