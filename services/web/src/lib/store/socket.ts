// The live connection: opens /ws, tells its state, and comes back by itself after a loss. A new snapshot resumes it.
import type { ServerMessage } from "../types";

export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "connected" }
  | { readonly state: "lost"; readonly retryAt: number }; // our own time, in milliseconds since 1970

/** The part of a browser's WebSocket that is used. */
export interface Socket {
  onmessage: ((event: { data: string }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  close(): void;
}

/** What this module needs of the world. */
export interface World {
  open(): Socket;
  now(): number;
  random(): number;
  /** Calls `then` after `ms`; the returned function cancels it. */
  after(ms: number, then: () => void): () => void;
}

export interface Listener {
  message(message: ServerMessage): void;
  connection(connection: Connection): void;
  /** The session is over: the server said so, or refused the connection before it opened. */
  refused(sure: boolean): void;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;
const SILENCE_MS = 40_000; // the server pings every 15 s; a connection this quiet is dead without saying so
const SIGNED_OUT = 4401;

/** How long to wait before the next try: doubled each time, and spread so that many pages do not come at once. */
export function retryDelay(failures: number, random: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + random / 2);
}

export class LiveConnection {
  readonly #world: World;
  readonly #listener: Listener;
  #socket: Socket | null = null;
  #failures = 0;
  #cancelTimer = (): void => {};

  constructor(world: World, listener: Listener) {
    this.#world = world;
    this.#listener = listener;
    this.#open();
  }

  /** Try now instead of waiting; does nothing while a connection stands. */
  retry(): void {
    if (this.#socket === null) this.#open();
  }

  close(): void {
    this.#cancelTimer();
    this.#drop();
  }

  #open(): void {
    this.#cancelTimer();
    this.#listener.connection({ state: "connecting" });
    const socket = this.#world.open();
    let heard = false;
    this.#socket = socket;
    this.#watchSilence();
    socket.onmessage = ({ data }) => {
      heard = true;
      this.#watchSilence();
      this.#receive(JSON.parse(data) as ServerMessage);
    };
    socket.onclose = ({ code }) => this.#lost(code === SIGNED_OUT, heard);
  }

  #receive(message: ServerMessage): void {
    if (message.type === "snapshot") {
      this.#failures = 0;
      this.#listener.connection({ state: "connected" });
    }
    this.#listener.message(message);
  }

  #watchSilence(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#world.after(SILENCE_MS, () => this.#lost(false, true));
  }

  #lost(signedOut: boolean, heard: boolean): void {
    this.#cancelTimer();
    this.#drop();
    if (signedOut) {
      this.#listener.refused(true);
      return;
    }
    const delay = retryDelay(this.#failures, this.#world.random());
    this.#failures += 1;
    this.#cancelTimer = this.#world.after(delay, () => this.#open());
    this.#listener.connection({ state: "lost", retryAt: this.#world.now() + delay });
    if (!heard) this.#listener.refused(false);
  }

  #drop(): void {
    if (this.#socket === null) return;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }
}
