import type { LogBook } from './log-book.ts';
import type { LogFrame, LogState } from './log-state.ts';
import { roundAt, roundStartMs, slotMsOf } from './pace.ts';
import type { Replica } from './replica.ts';

/** Repair and finality run this many times a slot. Guess. */
export const ticksPerSlot = 2;
/** At rest peers still compare their histories, so that a fork that outlasted the run is found. Guess. */
const slotsPerRestTick = 16;

/** The wall clock in rounds, as the final log of a replica has it. Who has not caught up may be ahead of the others, never behind. */
export class LogClock {
  readonly #replica: Replica;
  readonly #frame: LogFrame;

  constructor(replica: Replica, frame: LogFrame) {
    this.#replica = replica;
    this.#frame = frame;
  }

  /** Negative before the start, unbounded after the end of the run. */
  slotAt(nowMs: number): number {
    return roundAt(this.#replica.base.pace, nowMs);
  }

  startMs(round: number): number {
    return roundStartMs(this.#replica.base.pace, round);
  }

  slotMs(round: number): number {
    return slotMsOf(this.#replica.base.pace, round);
  }

  /** When the log wants to be woken next; at rest once in many slots, which is what a forgotten node costs its machine. */
  wakeAtMs(nowMs: number, isAtRest: boolean): number {
    const { pace } = this.#replica.base;
    const slot = Math.max(0, this.slotAt(nowMs));
    if (isAtRest) return roundStartMs(pace, slot + slotsPerRestTick);
    const startMs = roundStartMs(pace, slot);
    const tickMs = slotMsOf(pace, slot) / ticksPerSlot;
    return nowMs < startMs ? startMs : startMs + (Math.floor((nowMs - startMs) / tickMs) + 1) * tickMs;
  }

  /**
   * Rounds that count before this one, as far as can be told: those that are final, and of the open ones those that hold enough.
   * That is where schedules of the learning rate stand, and when a peer has no more to train.
   */
  countedBefore(round: number): number {
    const { base, log } = this.#replica;
    return countedBefore(base, log, round, this.#frame);
  }

  /** The run has all the rounds it asks for before this one, as far as can be told. */
  isSpentBefore(round: number): boolean {
    return this.#replica.base.pace.endRound !== null || this.countedBefore(round) >= this.#frame.rounds;
  }
}

/** Rounds that count before this one, as far as a state and what is open after it tell. */
export function countedBefore(
  { round: base, pace }: Readonly<LogState>,
  open: Pick<LogBook, 'countOf'>,
  round: number,
  { publishersMin }: Pick<LogFrame, 'publishersMin'>,
): number {
  let { counted } = pace;
  for (let one = base + 1; one < round; one++) if (open.countOf(one, 0) >= publishersMin) counted += 1;
  return counted;
}
