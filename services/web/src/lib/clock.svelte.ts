// A clock that ticks once a second, for durations and countdowns.

export class Clock {
  /** Our own time, in milliseconds since 1970. */
  now = $state(Date.now());
  readonly #timer = setInterval(() => (this.now = Date.now()), 1000);

  stop(): void {
    clearInterval(this.#timer);
  }
}
