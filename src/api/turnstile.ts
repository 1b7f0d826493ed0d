/** One at a time, in the order of coming; only so many wait. */
export class Turnstile {
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  /** Resolves to how to leave, once it is our turn; to null where too many wait. Rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<(() => void) | null> {
    if (this.#isTaken) {
      if (this.#waiting.length >= this.#waitingMax) return null;
      await this.#turn(signal);
    }
    this.#isTaken = true;
    return () => this.#next();
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const come = (): void => {
        signal.removeEventListener('abort', go);
        resolve();
      };
      const go = (): void => {
        const place = this.#waiting.indexOf(come);
        if (place >= 0) this.#waiting.splice(place, 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', go, { once: true });
      this.#waiting.push(come);
    });
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#isTaken = false;
  }
}
