/** Things of one peer are done one after the other, those of others meanwhile. */

/** Of what waits for its turn at one peer: two of gossip's largest frames. */
const waitingBytesMax = 8 << 20;

interface Waiting {
  readonly bytes: number;
  readonly begin: () => Promise<unknown> | null;
}

interface Queue {
  readonly waiting: Waiting[];
  bytes: number;
}

export class Turns {
  readonly #queues = new Map<string, Queue>();

  /**
   * What `act` comes to, once all that came before it of the same name has settled, or has been at it for a turn of the event loop: what
   * waits for a disk does not hold up what is behind it. Null where too much waits already, of `bytes` in all.
   */
  take<T>(name: string, bytes: number, act: () => T | Promise<T>): Promise<T | null> {
    const queue = this.#queues.get(name) ?? this.#open(name);
    if (queue.bytes + bytes > waitingBytesMax) {
      return Promise.resolve(null);
    }
    return new Promise((resolve, reject) => {
      const begin = (): Promise<unknown> | null => {
        let done: T | Promise<T>;
        try {
          done = act();
        } catch (error) {
          reject(error);
          return null;
        }
        if (!(done instanceof Promise)) {
          resolve(done);
          return null;
        }
        done.then(resolve, reject);
        return done;
      };
      queue.waiting.push({ bytes, begin });
      queue.bytes += bytes;
    });
  }

  get size(): number {
    return this.#queues.size;
  }

  #open(name: string): Queue {
    const queue: Queue = { waiting: [], bytes: 0 };
    this.#queues.set(name, queue);
    queueMicrotask(() => void this.#drain(name, queue));
    return queue;
  }

  async #drain(name: string, queue: Queue): Promise<void> {
    // Grows while it is gone through; what is done is not kept.
    for (let next = queue.waiting.shift(); next; next = queue.waiting.shift()) {
      const { bytes, begin } = next;
      queue.bytes -= bytes;
      const done = begin();
      if (done !== null) {
        await settledOrLate(done);
      }
    }
    this.#queues.delete(name);
  }
}

function settledOrLate(promise: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const late = setImmediate(resolve);
    const settle = (): void => {
      clearImmediate(late);
      resolve();
    };
    promise.then(settle, settle);
  });
}
