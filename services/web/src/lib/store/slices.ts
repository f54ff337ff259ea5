// The slices of one call, put in order: stored rows of 5 s and live ones of 1 s may cover the same time.
import { toMs } from "../time";
import type { Party, Slice } from "../types";

const TOLERANCE_MS = 50; // slices follow each other exactly, but for rounding

/** All slices in the order of time; where two cover the same time the shorter one is kept. */
export function mergeSlices(known: readonly Slice[], added: readonly Slice[]): readonly Slice[] {
  if (added.length === 0) return known;
  const sorted = [...known, ...added]
    .map((slice) => ({ slice, at: toMs(slice.started_at) }))
    .sort((a, b) => a.at - b.at || a.slice.duration_s - b.slice.duration_s);
  const covered = new Map<string, number>(); // until when, for each stream
  const kept: Slice[] = [];
  for (const { slice, at } of sorted) {
    const stream = `${slice.direction} ${slice.ssrc}`;
    if (at < (covered.get(stream) ?? -Infinity) - TOLERANCE_MS) continue;
    covered.set(stream, at + slice.duration_s * 1000);
    kept.push(slice);
  }
  return kept;
}

export interface Series {
  readonly x: number[]; // seconds since `origin`
  readonly mos: (number | null)[];
  readonly loss: (number | null)[];
  readonly discard: (number | null)[];
  readonly jitter: (number | null)[];
  readonly pdv: (number | null)[];
}

export interface Span {
  readonly from: number; // seconds since `origin`
  readonly to: number;
}

/** One direction as columns for a chart. A silence longer than a slice is a gap: nothing was measured there. */
export function series(slices: readonly Slice[], direction: Party, originMs: number): Series {
  const columns: Series = { x: [], mos: [], loss: [], discard: [], jitter: [], pdv: [] };
  let end: number | null = null;
  for (const slice of slices) {
    if (slice.direction !== direction) continue;
    const start = (toMs(slice.started_at) - originMs) / 1000;
    const last = columns.x.at(-1);
    if (last !== undefined && start <= last) continue; // two streams at once; a chart has one line
    if (end !== null && start > end + slice.duration_s) push(columns, end, null);
    push(columns, start, slice);
    end = start + slice.duration_s;
  }
  return columns;
}

function push(columns: Series, x: number, slice: Slice | null): void {
  columns.x.push(x);
  columns.mos.push(slice?.mos ?? null);
  columns.loss.push(slice?.loss_percent ?? null);
  columns.discard.push(slice?.discard_percent ?? null);
  columns.jitter.push(slice?.jitter_ms ?? null);
  columns.pdv.push(slice?.pdv_p95_ms ?? null);
}

/** When this monitor itself was too slow to be trusted. */
export function impairedSpans(slices: readonly Slice[], originMs: number): readonly Span[] {
  return slices
    .filter((slice) => slice.impaired)
    .map((slice) => {
      const from = (toMs(slice.started_at) - originMs) / 1000;
      return { from, to: from + slice.duration_s };
    });
}
