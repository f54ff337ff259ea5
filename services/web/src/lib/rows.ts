// Which rows of a long list can be seen. With 2000 live rows this decides the speed of the page.

export interface Range {
  readonly first: number;
  readonly end: number; // one past the last
}

const OVERSCAN = 8; // rows kept ready above and below, so that scrolling and tabbing find them

/**
 * The rows to draw.
 *
 * @param top where the visible part begins, in pixels below the list's first row
 * @param bottom where it ends
 */
export function visibleRange(top: number, bottom: number, rowHeight: number, count: number): Range {
  if (bottom <= top) return { first: 0, end: 0 };
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const end = Math.min(count, Math.ceil(bottom / rowHeight) + OVERSCAN);
  return first < end ? { first, end } : { first: 0, end: 0 };
}
