// Asking again and again, politely: one question at a time, none while nobody looks.

/**
 * Runs `task` now and then `ms` after each end, until it answers false or the returned function is called.
 * The signal tells a task that its answer is not wanted any more.
 */
export function every(ms: number, task: (signal: AbortSignal) => Promise<boolean>): () => void {
  const leaving = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function turn(): Promise<void> {
    const goOn = document.visibilityState === "hidden" || (await task(leaving.signal));
    if (goOn && !leaving.signal.aborted) timer = setTimeout(() => void turn(), ms);
  }

  void turn();
  return () => {
    leaving.abort();
    clearTimeout(timer);
  };
}
