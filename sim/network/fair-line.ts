/**
 * One direction of a peer's access link. Connections that have something to send share its capacity equally, as TCP
 * connections with like round-trip times do (processor sharing); within a connection messages follow each other.
 * The fluid limit of fair queueing (Demers, Keshav and Shenker, "Analysis and simulation of a fair queueing
 * algorithm", 1989): served bytes per busy connection grow by capacity / busy, whatever the number of messages.
 */

interface Flow<Item> {
  readonly connection: number;
  item: Item;
  /** Served bytes per connection at which the message at the head is through. */
  finish: number;
  /** What follows it; null before the first that does. */
  queue: Array<readonly [Item, number]> | null;
}

export interface LineListener<Item> {
  /** The first byte of the message goes onto the line. */
  began(item: Item, nowUs: number): void;
  /** The last byte is through. */
  ended(item: Item, nowUs: number): void;
}

export class FairLine<Item> {
  readonly #listener: LineListener<Item>;
  #bytesPerUs: number;
  readonly #busy: Flow<Item>[] = [];
  /** Bytes that a connection busy since the beginning would have been served. */
  #served = 0;
  #servedAtUs = 0;

  constructor(bytesPerSecond: number, listener: LineListener<Item>) {
    this.#bytesPerUs = bytesPerSecond / 1e6;
    this.#listener = listener;
  }

  /** Appends a message of `bytes` to its connection. */
  add(connection: number, item: Item, bytes: number, nowUs: number): void {
    this.#advance(nowUs);
    for (const flow of this.#busy) {
      if (flow.connection !== connection) continue;
      flow.queue ??= [];
      flow.queue.push([item, bytes]);
      return;
    }
    if (this.#busy.length === 0) this.#served = 0;
    this.#busy.push({ connection, item, finish: this.#served + bytes, queue: null });
    this.#listener.began(item, nowUs);
  }

  /** When the next message is through if nothing else comes, in whole microseconds; Infinity on an idle line. */
  nextUs(): number {
    if (this.#busy.length === 0) return Number.POSITIVE_INFINITY;
    let finish = Number.POSITIVE_INFINITY;
    for (const flow of this.#busy) finish = Math.min(finish, flow.finish);
    const bytes = Math.max(0, finish - this.#served);
    return this.#servedAtUs + Math.ceil((bytes * this.#busy.length) / this.#bytesPerUs);
  }

  /** To be called at `nextUs()`, or at any other time: takes off what is through. */
  settle(nowUs: number): void {
    this.#advance(nowUs);
    for (let i = 0; i < this.#busy.length; ) {
      const flow = this.#busy[i]!;
      // What is missing is less than the line moves in the microsecond that times are rounded to.
      if (flow.finish - this.#served > this.#bytesPerUs * 1e-3) {
        i++;
        continue;
      }
      const { item } = flow;
      const next = flow.queue?.shift();
      if (next) {
        [flow.item] = next;
        flow.finish = this.#served + next[1];
      } else this.#remove(i);
      this.#listener.ended(item, nowUs);
      if (next) this.#listener.began(next[0], nowUs);
    }
  }

  setCapacity(bytesPerSecond: number, nowUs: number): void {
    this.#advance(nowUs);
    this.#bytesPerUs = bytesPerSecond / 1e6;
  }

  /** The process is gone, and with it what was queued. */
  clear(): void {
    this.#busy.length = 0;
  }

  /** Keeps the others in order. Not by `splice`, which makes a list of what it takes out: this happens with every message. */
  #remove(at: number): void {
    for (let i = at + 1; i < this.#busy.length; i++) this.#busy[i - 1] = this.#busy[i]!;
    this.#busy.pop();
  }

  #advance(nowUs: number): void {
    if (this.#busy.length > 0) {
      this.#served += ((nowUs - this.#servedAtUs) * this.#bytesPerUs) / this.#busy.length;
    }
    this.#servedAtUs = nowUs;
  }
}
