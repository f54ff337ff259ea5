// From a MOS to a band that people understand.

export type Band = "good" | "fair" | "poor" | "bad";

export const BANDS: readonly Band[] = ["good", "fair", "poor", "bad"];

// The lower limits of the speech quality categories of ITU-T G.109, R = 80, 70 and 60, as MOS (G.107 Annex B, table B.1).
const LOWER_LIMITS: readonly (readonly [Band, number])[] = [
  ["good", 4.03],
  ["fair", 3.6],
  ["poor", 3.1],
];

/** The band that a MOS shown with two decimals belongs to; null when the MOS is not known. */
export function bandOf(mos: number | null): Band | null {
  if (mos === null) return null;
  const shown = Math.round(mos * 100) / 100; // so that a page never shows 4.03 as both good and fair
  return LOWER_LIMITS.find(([, limit]) => shown >= limit)?.[0] ?? "bad";
}

/** How many of the given MOS values fall into each band; unknown ones into none. */
export function countBands(values: Iterable<number | null>): Record<Band, number> {
  const counts: Record<Band, number> = { good: 0, fair: 0, poor: 0, bad: 0 };
  for (const mos of values) {
    const band = bandOf(mos);
    if (band !== null) counts[band] += 1;
  }
  return counts;
}
