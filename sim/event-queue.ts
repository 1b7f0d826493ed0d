/**
 * The calendar of the simulator: a binary heap over typed arrays, ordered by (time, sequence), so that two
 * events of one microsecond leave in the order in which they were put in, on every machine.
 */

export class EventQueueFullError extends Error {
  override readonly name = 'EventQueueFullError';
  readonly code = 'EVENT_QUEUE_FULL';
  constructor(eventsMax: number) {
    super(`more than ${eventsMax} events are pending; raise eventsMax or simulate fewer peers`);
  }
}

export class EventTimeError extends Error {
  override readonly name = 'EventTimeError';
  readonly code = 'BAD_EVENT_TIME';
}

export interface EventQueueOptions {
  /** Most events pending at one time. */
  readonly eventsMax: number;
  /** Events to make room for at first; doubles when full. */
  readonly capacity?: number;
}

export interface QueuedEvent<T> {
  /** Virtual time in integer microseconds. */
  readonly timeUs: number;
  /** Number of events put in before this one: the tie-break, and the event's name in a trace. */
  readonly sequence: number;
  readonly payload: T;
}

/**
 * Times are safe integers (285 years of microseconds), sequences count up from 0. Payloads stay where they
 * are put; only their cell numbers move through the heap.
 */
export class EventQueue<T> {
  readonly #eventsMax: number;
  #times: Float64Array;
  #sequences: Float64Array;
  #cells: Uint32Array;
  readonly #payloads: (T | undefined)[] = [];
  readonly #freeCells: number[] = [];
  #size = 0;
  #pushed = 0;

  constructor({ eventsMax, capacity = 1024 }: EventQueueOptions) {
    if (!Number.isSafeInteger(eventsMax) || eventsMax < 1 || eventsMax > 0x7fff_ffff) {
      throw new RangeError(`eventsMax must be a whole number from 1 to 2^31 - 1, got ${eventsMax}`);
    }
    this.#eventsMax = eventsMax;
    const room = Math.max(1, Math.min(capacity, eventsMax));
    this.#times = new Float64Array(room);
    this.#sequences = new Float64Array(room);
    this.#cells = new Uint32Array(room);
  }

  get size(): number {
    return this.#size;
  }

  /** Time of the next event in microseconds; Infinity when there is none. */
  get nextTimeUs(): number {
    return this.#size > 0 ? this.#times[0]! : Number.POSITIVE_INFINITY;
  }

  /** Returns the sequence number. @throws EventQueueFullError, EventTimeError */
  push(timeUs: number, payload: T): number {
    if (!Number.isSafeInteger(timeUs) || timeUs < 0) {
      throw new EventTimeError(`an event needs a time in whole microseconds from 0, got ${timeUs}`);
    }
    if (this.#size >= this.#eventsMax) throw new EventQueueFullError(this.#eventsMax);
    if (this.#size === this.#times.length) this.#grow();
    const cell = this.#freeCells.pop() ?? this.#payloads.length;
    this.#payloads[cell] = payload;
    const sequence = this.#pushed++;
    this.#siftUp(this.#size++, timeUs, sequence, cell);
    return sequence;
  }

  /** Removes and returns the earliest event, or null. */
  pop(): QueuedEvent<T> | null {
    if (this.#size === 0) return null;
    const timeUs = this.#times[0]!;
    const sequence = this.#sequences[0]!;
    const cell = this.#cells[0]!;
    const payload = this.#payloads[cell] as T;
    this.#payloads[cell] = undefined;
    this.#freeCells.push(cell);
    const last = --this.#size;
    if (last > 0) this.#siftDown(this.#times[last]!, this.#sequences[last]!, this.#cells[last]!);
    return { timeUs, sequence, payload };
  }

  /** Moves a hole up from `position` until the new event fits. Its sequence is the highest: ties stay below. */
  #siftUp(position: number, timeUs: number, sequence: number, cell: number): void {
    const times = this.#times;
    let hole = position;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (times[parent]! <= timeUs) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#place(hole, timeUs, sequence, cell);
  }

  /** Moves a hole down from the root until the event that was last fits. */
  #siftDown(timeUs: number, sequence: number, cell: number): void {
    const size = this.#size;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(child + 1, this.#times[child]!, this.#sequences[child]!)) child++;
      if (!this.#before(child, timeUs, sequence)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#place(hole, timeUs, sequence, cell);
  }

  #before(position: number, timeUs: number, sequence: number): boolean {
    const time = this.#times[position]!;
    return time < timeUs || (time === timeUs && this.#sequences[position]! < sequence);
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#sequences[to] = this.#sequences[from]!;
    this.#cells[to] = this.#cells[from]!;
  }

  #place(position: number, timeUs: number, sequence: number, cell: number): void {
    this.#times[position] = timeUs;
    this.#sequences[position] = sequence;
    this.#cells[position] = cell;
  }

  #grow(): void {
    const room = Math.min(this.#eventsMax, this.#times.length * 2);
    const times = new Float64Array(room);
    times.set(this.#times);
    this.#times = times;
    const sequences = new Float64Array(room);
    sequences.set(this.#sequences);
    this.#sequences = sequences;
    const cells = new Uint32Array(room);
    cells.set(this.#cells);
    this.#cells = cells;
  }
}
