// The way from an ideal line down to the R factor, as bars.
import type { Waterfall } from "./types";

export type Cause = "simultaneous" | "delay" | "codec" | "loss" | "burst" | "discard";

export interface Step {
  readonly name: "ro" | Cause | "r";
  /** What is shown: the start, what is taken away (negative), the result. */
  readonly value: number;
  readonly from: number; // the bar, as a share of the scale from 0 to 1
  readonly to: number;
}

const CAUSES: readonly Cause[] = ["simultaneous", "delay", "codec", "loss", "burst", "discard"];
const ALWAYS: readonly Cause[] = ["codec", "loss"]; // the first that people ask for, also when they cost nothing
const SHOWN_FROM = 0.05; // less is 0.0 on the page

/** The steps that matter, from the start (Ro) to the result (R). */
export function steps(waterfall: Waterfall): readonly Step[] {
  const scale = Math.max(100, waterfall.ro);
  const share = (value: number) => Math.min(1, Math.max(0, value / scale));
  const list: Step[] = [{ name: "ro", value: waterfall.ro, from: 0, to: share(waterfall.ro) }];
  let left = waterfall.ro;
  for (const cause of CAUSES) {
    const cost = waterfall[cause];
    if (Math.abs(cost) >= SHOWN_FROM || ALWAYS.includes(cause)) {
      list.push({ name: cause, value: -cost, from: share(left - cost), to: share(left) });
    }
    left -= cost;
  }
  list.push({ name: "r", value: waterfall.r, from: 0, to: share(waterfall.r) });
  return list;
}
