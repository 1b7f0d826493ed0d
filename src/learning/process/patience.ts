/** How long a trainer may take, and how long it is left alone after it crashed. */
import { median } from '../../math/statistics.ts';

export interface Patience {
  /** For describe, init and initial, where weights are read and code is compiled. */
  readonly startMs: number;
  /** At least, for everything else. */
  readonly callMsMin: number;
  /** Between cancel, SIGTERM and SIGKILL. */
  readonly graceMs: number;
  readonly backOffMsMin: number;
  readonly backOffMsMax: number;
}

/** Guesses. */
export const usualPatience: Patience = {
  startMs: 300_000,
  callMsMin: 60_000,
  graceMs: 5_000,
  backOffMsMin: 1_000,
  backOffMsMax: 300_000,
};

/** Of the median of the last calls. */
const patienceFactor = 4;
const callsKept = 9;

/** What calls of one operation took lately, by the amount of work in each. */
export class CallTimes {
  #perUnitMs: readonly number[] = [];

  note(tookMs: number, units: number): void {
    this.#perUnitMs = [...this.#perUnitMs.slice(1 - callsKept), tookMs / units];
  }

  limitMs(units: number, { callMsMin }: Patience): number {
    if (this.#perUnitMs.length === 0) return callMsMin;
    return Math.max(callMsMin, patienceFactor * units * median(this.#perUnitMs));
  }
}

/** Doubles with every crash that no answer came between. */
export function backOffMs(crashes: number, { backOffMsMin, backOffMsMax }: Patience): number {
  return Math.min(backOffMsMax, backOffMsMin * 2 ** Math.max(0, crashes - 1));
}
