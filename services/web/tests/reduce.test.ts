// The state that the pages show, message by message.
import { describe, expect, it } from "vitest";
import { ENDED_LIMIT, endedCalls, initial, liveCalls, newestCaptures, reduce, type Message, type State } from "../src/lib/store/reduce";
import { AT_MS, call, capture, ended, registration, slice, snapshot } from "./builders";

const after = (...messages: Message[]): State => messages.reduce((state, one) => reduce(state, one, AT_MS), initial);
const ids = (calls: { call_id: string }[]) => calls.map((one) => one.call_id);

describe("a snapshot", () => {
  it("brings the calls and the devices", () => {
    const state = after(snapshot({ calls: [call("a")], registrations: [registration("alice@example.org")] }));

    expect(ids(liveCalls(state.calls))).toEqual(["a"]);
    expect(state.registrations.size).toBe(1);
    expect(state.snapshots).toBe(1);
  });

  it("drops live calls that it does not name, and keeps ended ones", () => {
    const state = after(snapshot({ calls: [call("gone"), ended("over")] }), snapshot({ seq: 9, calls: [call("new")] }));

    expect(ids(liveCalls(state.calls))).toEqual(["new"]);
    expect(ids(endedCalls(state.calls))).toEqual(["over"]);
  });

  it("sets the sequence back when the server has restarted", () => {
    const state = after(
      snapshot({ seq: 500 }),
      snapshot({ seq: 1 }),
      { type: "delta", seq: 2, calls: [call("a")] },
    );

    expect(state.calls.has("a")).toBe(true);
  });

  it("tells how far the server's clock is from ours", () => {
    const state = reduce(initial, snapshot(), AT_MS - 3000);

    expect(state.clockOffsetMs).toBe(3000);
  });
});

describe("a delta", () => {
  it("replaces the calls that changed and leaves the others alone", () => {
    const before = after(snapshot({ calls: [call("a"), call("b")] }));

    const state = reduce(before, { type: "delta", seq: 2, calls: [ended("a")] }, AT_MS);

    expect(ids(endedCalls(state.calls))).toEqual(["a"]);
    expect(state.calls.get("b")).toBe(before.calls.get("b"));
  });

  it("does not change the state before it", () => {
    const before = after(snapshot({ calls: [call("a")] }));

    reduce(before, { type: "delta", seq: 2, calls: [ended("a")], removed: ["a"] }, AT_MS);

    expect(before.calls.get("a")?.state).toBe("live");
  });

  it("older than the snapshot is ignored", () => {
    const state = after(snapshot({ seq: 7 }), { type: "delta", seq: 6, calls: [call("a")] });

    expect(state.calls.size).toBe(0);
  });

  it("removes a live call, but leaves an ended one in the history", () => {
    const state = after(snapshot({ calls: [call("a"), ended("b")] }), { type: "delta", seq: 2, removed: ["a", "b"] });

    expect([...state.calls.keys()]).toEqual(["b"]);
  });

  it("updates a device in place, by address and contact", () => {
    const alice = registration("alice@example.org");
    const state = after(
      snapshot({ registrations: [alice, { ...alice, contact: "sip:other" }] }),
      { type: "delta", seq: 2, registrations: [{ ...alice, state: "expired" }] },
    );

    expect([...state.registrations.values()].map((one) => one.state)).toEqual(["expired", "registered"]);
  });

  it("keeps the slices of the watched call only", () => {
    const slices = [slice(0, { call_id: "a" }), slice(0, { call_id: "b" })];

    const state = after(snapshot(), { type: "watched", callId: "a" }, { type: "delta", seq: 2, slices });

    expect(state.slices.map((one) => one.call_id)).toEqual(["a"]);
  });
});

describe("watching", () => {
  it("another call forgets the slices of the one before", () => {
    const state = after(
      { type: "watched", callId: "a" },
      { type: "slices", callId: "a", items: [slice(0)] },
      { type: "watched", callId: "b" },
    );

    expect(state.slices).toEqual([]);
  });

  it("ignores slices that arrive for a page left meanwhile", () => {
    const state = after({ type: "watched", callId: "b" }, { type: "slices", callId: "a", items: [slice(0)] });

    expect(state.slices).toEqual([]);
  });
});

describe("the history", () => {
  const page = (items: string[], next_cursor: string | null, hour: number) => ({
    items: items.map((id, index) => ended(id, { started_at: `2026-11-23T0${hour}:0${9 - index}:00Z` })),
    next_cursor,
  });

  it("lets what was pushed win over what was asked for", () => {
    const pushed = ended("a", { mos: 2 });

    const state = after(
      snapshot({ calls: [pushed] }),
      { type: "history", page: { items: [ended("a", { mos: 4 })], next_cursor: null }, continued: false },
    );

    expect(state.calls.get("a")).toEqual(pushed);
  });

  it("goes on with older calls", () => {
    const state = after(
      { type: "history", page: page(["a", "b"], "next", 8), continued: false },
      { type: "history", page: page(["c"], null, 7), continued: true },
    );

    expect(ids(endedCalls(state.calls))).toEqual(["a", "b", "c"]);
    expect(state.olderCursor).toBeNull();
  });

  it("started anew leaves no gap: calls older than the first page wait for the next one", () => {
    const state = after(
      snapshot({ calls: [ended("old", { started_at: "2026-11-23T01:00:00Z" })] }),
      { type: "history", page: page(["a", "b"], "next", 8), continued: false },
    );

    expect(ids(endedCalls(state.calls))).toEqual(["a", "b"]);
  });

  it("has an end, and the live calls do not count against it", () => {
    const many = Array.from({ length: ENDED_LIMIT + 5 }, (_, index) =>
      ended(`e${index}`, { started_at: new Date(AT_MS + index * 1000).toISOString() }),
    );

    const state = after(snapshot({ calls: [call("live")] }), { type: "delta", seq: 2, calls: many });

    expect(endedCalls(state.calls)).toHaveLength(ENDED_LIMIT);
    expect(state.calls.has("e0")).toBe(false);
    expect(state.calls.has("live")).toBe(true);
  });
});

describe("captures", () => {
  const names = (state: State) => newestCaptures(state.captures).map((one) => `${one.capture_id} ${one.state}`);

  it("are followed from the snapshot on, and go when they are deleted", () => {
    const begun = after(snapshot({ captures: [capture("a"), capture("b")] }));
    const state = reduce(
      begun,
      { type: "delta", seq: 2, captures: [capture("a", { state: "running", progress: 0.4 })], captures_removed: ["b"] },
      AT_MS,
    );

    expect(names(state)).toEqual(["a running"]);
  });

  it("are listed with the newest in front", () => {
    const older = capture("older", { uploaded_at: "2026-11-22T09:00:00Z" });

    const state = after(snapshot(), { type: "captures", items: [older, capture("newer")] });

    expect(names(state)).toEqual(["newer queued", "older queued"]);
  });

  it("do not go back to what an answer said that came late", () => {
    const done = capture("a", { state: "done" });

    const state = after(snapshot(), { type: "delta", seq: 2, captures: [done] }, { type: "captures", items: [capture("a")] });

    expect(names(state)).toEqual(["a done"]);
  });
});
