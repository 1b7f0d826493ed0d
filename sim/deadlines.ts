/**
 * Deadlines of requests, nearly all of which are met: a line beside the calendar, in which those that were met are passed over
 * without ever having been events.
 */
import type { VirtualNode } from './virtual-node.ts';

export interface Deadline {
  readonly atUs: number;
  readonly node: VirtualNode;
  readonly incarnation: number;
  readonly requestId: number;
}

/** Deadlines must be put in in the order in which they fall due, as they do where all requests may take equally long. */
export class Deadlines {
  #line: (Deadline | undefined)[] = [];
  #head = 0;

  /** False, and nothing put in, where an earlier one falls due later. */
  add(deadline: Deadline): boolean {
    const last = this.#line.at(-1);
    if (last && last.atUs > deadline.atUs && this.#head < this.#line.length) return false;
    this.#line.push(deadline);
    return true;
  }

  /** The first one whose request still waits; null for none. It stays in until `take`. */
  next(): Deadline | null {
    for (; this.#head < this.#line.length; this.#head++) {
      const deadline = this.#line[this.#head]!;
      const { node, incarnation, requestId } = deadline;
      if (node.is(incarnation) && node.pending.has(requestId)) {
        this.#compact();
        return deadline;
      }
      this.#line[this.#head] = undefined;
    }
    this.#line = [];
    this.#head = 0;
    return null;
  }

  take(): void {
    this.#line[this.#head++] = undefined;
  }

  /** Amortised: an entry is moved when as many before it are gone. */
  #compact(): void {
    if (this.#head < 1024 || 2 * this.#head < this.#line.length) return;
    this.#line = this.#line.slice(this.#head);
    this.#head = 0;
  }
}
