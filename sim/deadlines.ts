/**
 * Deadlines of requests, nearly all of which are met: a line beside the calendar, in which those that were met are passed over
 * without ever having been events. It is kept in columns, for most deadlines outlive what the engine's collector takes for young.
 */
import type { VirtualNode } from './virtual-node.ts';

export interface Deadline {
  readonly atUs: number;
  readonly node: VirtualNode;
  readonly incarnation: number;
  readonly requestId: number;
}

export class Deadlines {
  readonly #nodes: readonly VirtualNode[];
  #times = new Float64Array(1024);
  #peers = new Uint32Array(1024);
  #incarnations = new Uint32Array(1024);
  #requestIds = new Float64Array(1024);
  #head = 0;
  #end = 0;

  constructor(nodes: readonly VirtualNode[]) {
    this.#nodes = nodes;
  }

  /**
   * Deadlines must be put in in the order in which they fall due, as they do where all requests may take equally long. False, and
   * nothing put in, where an earlier one falls due later.
   */
  add(atUs: number, node: VirtualNode, requestId: number): boolean {
    if (this.#head < this.#end && this.#times[this.#end - 1]! > atUs) return false;
    if (this.#end === this.#times.length) this.#makeRoom();
    const at = this.#end++;
    this.#times[at] = atUs;
    this.#peers[at] = node.index;
    this.#incarnations[at] = node.incarnation;
    this.#requestIds[at] = requestId;
    return true;
  }

  /** When the first one falls due whose request still waits; Infinity for none. */
  nextUs(): number {
    for (; this.#head < this.#end; this.#head++) {
      const node = this.#nodes[this.#peers[this.#head]!]!;
      if (node.is(this.#incarnations[this.#head]!) && node.pending.has(this.#requestIds[this.#head]!))
        return this.#times[this.#head]!;
    }
    this.#head = 0;
    this.#end = 0;
    return Number.POSITIVE_INFINITY;
  }

  /** Takes out the one that `nextUs` spoke of. */
  take(): Deadline {
    const at = this.#head++;
    return {
      atUs: this.#times[at]!,
      node: this.#nodes[this.#peers[at]!]!,
      incarnation: this.#incarnations[at]!,
      requestId: this.#requestIds[at]!,
    };
  }

  /** Amortised: what is moved to the front leaves as much room behind it, or the columns become twice as long. */
  #makeRoom(): void {
    const length = 2 * this.#head < this.#end ? 2 * this.#times.length : this.#times.length;
    this.#times = moved(this.#times, new Float64Array(length), this.#head);
    this.#peers = moved(this.#peers, new Uint32Array(length), this.#head);
    this.#incarnations = moved(this.#incarnations, new Uint32Array(length), this.#head);
    this.#requestIds = moved(this.#requestIds, new Float64Array(length), this.#head);
    this.#end -= this.#head;
    this.#head = 0;
  }
}

/** What stands from `head` on, in other memory. */
function moved<Column extends Float64Array | Uint32Array>(from: Column, to: Column, head: number): Column {
  to.set(from.subarray(head));
  return to;
}
