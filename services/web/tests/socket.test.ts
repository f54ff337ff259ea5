// The live connection against a world without network and clock.
import { beforeEach, describe, expect, it } from "vitest";
import { LiveConnection, retryDelay, type Connection, type Socket } from "../src/lib/store/socket";
import type { ServerMessage } from "../src/lib/types";
import { snapshot } from "./builders";

class FakeSocket implements Socket {
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  closed = false;
  close(): void {
    this.closed = true;
  }
  send(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

let sockets: FakeSocket[];
let timers: { ms: number; then: () => void }[];
let states: Connection[];
let messages: ServerMessage[];
let refusals: boolean[];
let connection: LiveConnection;

const last = () => sockets.at(-1)!;
const lastState = () => states.at(-1)!.state;
const fire = () => timers.pop()!.then();

beforeEach(() => {
  [sockets, timers, states, messages, refusals] = [[], [], [], [], []];
  connection = new LiveConnection(
    {
      open: () => {
        sockets.push(new FakeSocket());
        return last();
      },
      now: () => 1000,
      random: () => 1,
      after: (ms, then) => {
        const timer = { ms, then };
        timers.push(timer);
        return () => (timers = timers.filter((one) => one !== timer));
      },
    },
    {
      message: (message) => messages.push(message),
      connection: (state) => states.push(state),
      refused: (sure) => refusals.push(sure),
    },
  );
});

describe("the live connection", () => {
  it("is connected when the snapshot is there, not before", () => {
    expect(lastState()).toBe("connecting");

    last().send(snapshot());

    expect(lastState()).toBe("connected");
    expect(messages).toHaveLength(1);
  });

  it("says when the next try comes, and makes it", () => {
    last().send(snapshot());
    last().onclose?.({ code: 1006 });

    expect(states.at(-1)).toEqual({ state: "lost", retryAt: 1500 });
    fire();

    expect(sockets).toHaveLength(2);
    expect(lastState()).toBe("connecting");
  });

  it("waits longer each time, and anew after a success", () => {
    const waits: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      last().onclose?.({ code: 1006 });
      waits.push(timers.at(-1)!.ms);
      fire();
    }
    last().send(snapshot());
    last().onclose?.({ code: 1006 });

    expect(waits).toEqual([500, 1000, 2000]);
    expect(timers.at(-1)!.ms).toBe(500);
  });

  it("gives up a connection that has gone silent", () => {
    last().send(snapshot());
    fire();

    expect(lastState()).toBe("lost");
    expect(sockets[0]!.closed).toBe(true);
  });

  it("is not taken for silent while pings arrive", () => {
    last().send(snapshot());
    last().send({ type: "ping", at: 0 });

    expect(timers).toHaveLength(1);
    expect(lastState()).toBe("connected");
  });

  it("does not try again when the session is over", () => {
    last().send(snapshot());
    last().onclose?.({ code: 4401 });

    expect(refusals).toEqual([true]);
    expect(timers).toHaveLength(0);
  });

  it("has the session checked when the server refuses it at once", () => {
    last().onclose?.({ code: 1006 });

    expect(refusals).toEqual([false]);
    expect(lastState()).toBe("lost");
  });

  it("can be told to try now, once", () => {
    last().onclose?.({ code: 1006 });
    connection.retry();
    connection.retry();

    expect(sockets).toHaveLength(2);
    expect(timers).toHaveLength(1); // the wait is replaced by the watch for silence
  });

  it("ends for good when closed", () => {
    const socket = last();
    connection.close();

    expect(socket.closed).toBe(true);
    expect(socket.onclose).toBeNull();
    expect(timers).toHaveLength(0);
  });
});

it("spreads the tries and never waits longer than 15 s", () => {
  expect(retryDelay(0, 0)).toBe(250);
  expect(retryDelay(40, 1)).toBe(15_000);
});
