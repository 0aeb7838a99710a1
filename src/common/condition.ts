/** Lets asynchronous code wait for a state that events bring about. */
export class Condition {
  #waiting: (() => void)[] = [];

  /** Has everyone who waits look again. */
  notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves true when `predicate` holds, false when `timeoutMs` passed before. */
  async until(predicate: () => boolean, timeoutMs = Infinity): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (!predicate()) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await this.#changed(left);
    }
    return true;
  }

  #changed(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = Number.isFinite(timeoutMs) ? setTimeout(resolve, timeoutMs) : undefined;
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
