// Everything the pages know, and how each message changes it. Pure: the same messages give the same state.
import { toMs } from "../time";
import type { Call, Capture, Delta, Page, Registration, ServerMessage, Slice, Snapshot } from "../types";
import { mergeSlices } from "./slices";

export interface State {
  readonly calls: ReadonlyMap<string, Call>;
  readonly registrations: ReadonlyMap<string, Registration>;
  /** Capture files that were heard of, here or by REST. */
  readonly captures: ReadonlyMap<string, Capture>;
  /** The call whose slices are kept; those of all others are dropped on arrival. */
  readonly watched: string | null;
  readonly slices: readonly Slice[];
  /** Where the history goes on in the api; null: it ends here; undefined: not asked yet. */
  readonly olderCursor: string | null | undefined;
  /** The server's clock less ours, so that durations tick rightly on a machine whose clock is wrong. */
  readonly clockOffsetMs: number;
  /** How many snapshots came: when it grows, what was loaded by REST may have gaps. */
  readonly snapshots: number;
  readonly seq: number;
  /** Our own time of the last message. */
  readonly heardAt: number | null;
}

/** What the page itself asked for, or loaded. */
export type LocalMessage =
  | { readonly type: "history"; readonly page: Page<Call>; readonly continued: boolean }
  | { readonly type: "captures"; readonly items: readonly Capture[] }
  | { readonly type: "watched"; readonly callId: string | null }
  | { readonly type: "slices"; readonly callId: string; readonly items: readonly Slice[] };

export type Message = ServerMessage | LocalMessage;

export const ENDED_LIMIT = 1000; // a page left open for weeks must not grow for ever

export const initial: State = {
  calls: new Map(),
  registrations: new Map(),
  captures: new Map(),
  watched: null,
  slices: [],
  olderCursor: undefined,
  clockOffsetMs: 0,
  snapshots: 0,
  seq: 0,
  heardAt: null,
};

/**
 * The state after a message.
 *
 * @param now our own time of its arrival, in milliseconds since 1970
 */
export function reduce(state: State, message: Message, now: number): State {
  switch (message.type) {
    case "snapshot":
      return afterSnapshot(state, message, now);
    case "delta":
      return message.seq < state.seq ? state : afterDelta(state, message, now);
    case "ping":
      return { ...state, clockOffsetMs: toMs(message.at) - now, heardAt: now };
    case "history":
      return afterHistory(state, message.page, message.continued);
    case "captures":
      return { ...state, captures: withCaptures(state.captures, message.items.filter(isNews(state.captures)), []) };
    case "watched":
      return message.callId === state.watched ? state : { ...state, watched: message.callId, slices: [] };
    case "slices":
      if (message.callId !== state.watched) return state;
      return { ...state, slices: mergeSlices(state.slices, message.items) };
  }
}

function afterSnapshot(state: State, message: Snapshot, now: number): State {
  // Calls that have ended stay ended; of the live ones only those in the snapshot are sure to be so still.
  const ended = [...state.calls.values()].filter((call) => call.state === "ended");
  return {
    ...state,
    calls: byId([...ended, ...message.calls]),
    registrations: new Map(message.registrations.map((registration) => [bindingKey(registration), registration])),
    captures: new Map((message.captures ?? []).map((capture) => [capture.capture_id, capture])),
    clockOffsetMs: toMs(message.at) - now,
    snapshots: state.snapshots + 1,
    seq: message.seq,
    heardAt: now,
  };
}

function afterDelta(state: State, message: Delta, now: number): State {
  const { calls: changed = [], removed = [], registrations = [], slices = [] } = message;
  return {
    ...trimmed(state, withCalls(state.calls, changed, removed)),
    registrations:
      registrations.length === 0
        ? state.registrations
        : new Map([...state.registrations, ...registrations.map((one) => [bindingKey(one), one] as const)]),
    slices: mergeSlices(
      state.slices,
      slices.filter((slice) => slice.call_id === state.watched),
    ),
    captures: withCaptures(state.captures, message.captures ?? [], message.captures_removed ?? []),
    seq: message.seq,
    heardAt: now,
  };
}

const STAGE = { queued: 0, running: 1, done: 2, failed: 2 } as const;

/** Whether an answer is as new as what the socket told: it may have been overtaken. */
function isNews(captures: ReadonlyMap<string, Capture>): (capture: Capture) => boolean {
  return (capture) => STAGE[capture.state] >= STAGE[captures.get(capture.capture_id)?.state ?? "queued"];
}

function withCaptures(
  captures: ReadonlyMap<string, Capture>,
  changed: readonly Capture[],
  removed: readonly string[],
): ReadonlyMap<string, Capture> {
  if (changed.length === 0 && removed.length === 0) return captures;
  const next = new Map(captures);
  for (const capture of changed) next.set(capture.capture_id, capture);
  for (const id of removed) next.delete(id);
  return next;
}

function withCalls(
  calls: ReadonlyMap<string, Call>,
  changed: readonly Call[],
  removed: readonly string[],
): ReadonlyMap<string, Call> {
  if (changed.length === 0 && removed.length === 0) return calls;
  const next = new Map(calls);
  for (const call of changed) next.set(call.call_id, call);
  for (const id of removed) {
    // The server forgets a call some time after its end. For us it is history, and stays.
    if (next.get(id)?.state === "live") next.delete(id);
  }
  return next;
}

function afterHistory(state: State, page: Page<Call>, continued: boolean): State {
  const oldest = page.items.at(-1);
  const kept = [...state.calls.values()].filter(
    // A fresh first page: what is older than it may have gaps, and comes again with the next page.
    (call) => continued || page.next_cursor === null || oldest === undefined || call.started_at >= oldest.started_at,
  );
  const calls = byId([...page.items, ...kept]); // what is known by /ws is newer than what was asked for
  return trimmed({ ...state, olderCursor: page.next_cursor }, calls);
}

function trimmed(state: State, calls: ReadonlyMap<string, Call>): State {
  if (calls.size <= ENDED_LIMIT) return { ...state, calls };
  const ended = endedCalls(calls);
  if (ended.length <= ENDED_LIMIT) return { ...state, calls };
  const next = new Map(calls);
  for (const call of ended.slice(ENDED_LIMIT)) next.delete(call.call_id);
  return { ...state, calls: next, olderCursor: null };
}

function byId(calls: readonly Call[]): ReadonlyMap<string, Call> {
  return new Map(calls.map((call) => [call.call_id, call]));
}

function bindingKey(registration: Registration): string {
  return `${registration.aor} ${registration.contact}`;
}

/** Captures, the newest first. */
export function newestCaptures(captures: ReadonlyMap<string, Capture>): Capture[] {
  return [...captures.values()].sort((a, b) => (a.uploaded_at < b.uploaded_at ? 1 : a.uploaded_at > b.uploaded_at ? -1 : 0));
}

/** Calls in progress, the newest first. */
export function liveCalls(calls: ReadonlyMap<string, Call>): Call[] {
  return newestFirst(calls, "live");
}

/** Calls that are over, the newest first. */
export function endedCalls(calls: ReadonlyMap<string, Call>): Call[] {
  return newestFirst(calls, "ended");
}

function newestFirst(calls: ReadonlyMap<string, Call>, state: Call["state"]): Call[] {
  return [...calls.values()]
    .filter((call) => call.state === state)
    .sort((a, b) => (a.started_at < b.started_at ? 1 : a.started_at > b.started_at ? -1 : 0));
}
