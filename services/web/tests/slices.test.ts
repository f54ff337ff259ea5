// The order of slices, and what a chart draws of them.
import { describe, expect, it } from "vitest";
import { impairedSpans, mergeSlices, series } from "../src/lib/store/slices";
import { AT_MS, slice } from "./builders";

const starts = (slices: readonly { started_at: string | number }[]) =>
  slices.map((one) => Number(one.started_at) - AT_MS / 1000);

describe("merging slices", () => {
  it("puts them in the order of time, whenever they arrive", () => {
    expect(starts(mergeSlices([slice(2), slice(3)], [slice(0), slice(1)]))).toEqual([0, 1, 2, 3]);
  });

  it("keeps a slice that arrives twice once", () => {
    expect(starts(mergeSlices([slice(0), slice(1)], [slice(1), slice(2)]))).toEqual([0, 1, 2]);
  });

  it("prefers the seconds to the stored row over the same time", () => {
    const row = slice(0, { duration_s: 5 });
    const seconds = [0, 1, 2, 3, 4].map((second) => slice(second));

    expect(starts(mergeSlices([row], seconds))).toEqual([0, 1, 2, 3, 4]);
  });

  it("does not mix up the two directions", () => {
    expect(mergeSlices([slice(0)], [slice(0, { direction: "callee" })])).toHaveLength(2);
  });

  it("reads RFC 3339 as well as seconds", () => {
    const text = slice(0, { started_at: new Date(AT_MS).toISOString() });

    expect(mergeSlices([text], [slice(0)])).toHaveLength(1);
  });
});

describe("the columns of a chart", () => {
  it("count seconds from the beginning of the call", () => {
    const columns = series([slice(5), slice(6, { mos: 3.9 })], "caller", AT_MS);

    expect(columns.x).toEqual([5, 6]);
    expect(columns.mos).toEqual([4.41, 3.9]);
  });

  it("have one for each measure, with holes where nothing is known", () => {
    const columns = series([slice(0, { discard_percent: 2, pdv_p95_ms: 31 }), slice(1, { pdv_p95_ms: null })], "caller", AT_MS);

    expect(columns.discard).toEqual([2, 0]);
    expect(columns.pdv).toEqual([31, null]);
  });

  it("show a silence as a gap", () => {
    const columns = series([slice(0), slice(9)], "caller", AT_MS);

    expect(columns.x).toEqual([0, 1, 9]);
    expect(columns.mos).toEqual([4.41, null, 4.41]);
  });

  it("stay in order when two streams of one direction overlap", () => {
    const columns = series([slice(0), slice(0, { ssrc: 2 }), slice(1)], "caller", AT_MS);

    expect(columns.x).toEqual([0, 1]);
  });

  it("leave the other direction out", () => {
    expect(series([slice(0, { direction: "callee" })], "caller", AT_MS).x).toEqual([]);
  });
});

it("spans where the monitor itself was overloaded", () => {
  const spans = impairedSpans([slice(0), slice(1, { impaired: true, duration_s: 5 })], AT_MS);

  expect(spans).toEqual([{ from: 1, to: 6 }]);
});
