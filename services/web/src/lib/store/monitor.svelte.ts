// The state as the pages see it: messages are folded in at once, the pages redrawn at most once per animation frame.
import type { Api } from "./api";
import { initial, reduce, type Message, type State } from "./reduce";
import { LiveConnection, type Connection, type Socket } from "./socket";

const HISTORY_PAGE = 50;

export class Monitor {
  state: State = $state.raw(initial);
  connection: Connection = $state.raw({ state: "connecting" });
  readonly api: Api;
  #latest: State = initial;
  #frame: number | null = null;
  readonly #live: LiveConnection;

  /** @param refused called when the session has ended, or may have */
  constructor(api: Api, refused: (sure: boolean) => void) {
    this.api = api;
    this.#live = new LiveConnection(
      {
        open: () => new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`) as Socket,
        now: () => Date.now(),
        random: () => Math.random(),
        after: (ms, then) => {
          const timer = setTimeout(then, ms);
          return () => clearTimeout(timer);
        },
      },
      {
        message: (message) => this.dispatch(message),
        connection: (connection) => (this.connection = connection),
        refused,
      },
    );
  }

  dispatch(message: Message): void {
    this.#latest = reduce(this.#latest, message, Date.now());
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.state = this.#latest;
    });
  }

  /** The newest calls that have ended, or with `continued` those after the oldest one shown. */
  async loadHistory(continued: boolean, signal?: AbortSignal): Promise<void> {
    const cursor = continued ? this.#latest.olderCursor : undefined;
    const query = { state: "ended", limit: HISTORY_PAGE, ...(cursor ? { cursor } : {}) } as const;
    this.dispatch({ type: "history", page: await this.api.calls(query, signal), continued });
  }

  retry(): void {
    this.#live.retry();
  }

  close(): void {
    this.#live.close();
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
  }
}
