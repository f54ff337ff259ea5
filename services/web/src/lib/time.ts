// Instants and lengths of time, without a clock: `now` is always an argument, in milliseconds since 1970.
import type { Call, Instant } from "./types";

/** Milliseconds since 1970. */
export function toMs(instant: Instant): number {
  return typeof instant === "number" ? instant * 1000 : Date.parse(instant);
}

/** Seconds a call has been talking, or talked; null when it was never answered. */
export function talkSeconds(call: Call, now: number): number | null {
  if (call.state === "live" && call.answered_at !== null) {
    return Math.max(0, (now - toMs(call.answered_at)) / 1000);
  }
  return call.duration_s;
}
