/** Figures for programs that want each of them once: what is known of a round when the next one has begun. Pure. */
import type { Figures, Noted } from '../node/run-history.ts';

export interface Scalar {
  readonly node: string;
  readonly runId: string;
  readonly round: number;
  readonly figure: keyof Figures;
  readonly value: number;
  /** When it was learned, Unix time. */
  readonly atMs: number;
}

/** Takes figures to where somebody looks at them. */
export interface ScalarSink {
  /** @throws system errors */
  write(scalar: Scalar): void;
  close(): void;
}

export class SettledFigures {
  readonly #emit: (scalar: Scalar) => void;
  /** By node and run, then by figure: what may still change. */
  readonly #pending = new Map<string, Map<keyof Figures, Scalar>>();
  /** By node, run and figure: the last round that was told. */
  readonly #told = new Map<string, number>();

  constructor(emit: (scalar: Scalar) => void) {
    this.#emit = emit;
  }

  note(of: Pick<Scalar, 'node' | 'runId' | 'round' | 'atMs'>, figures: Noted): void {
    const key = `${of.node}/${of.runId}`;
    const pending = this.#pending.get(key) ?? new Map<keyof Figures, Scalar>();
    this.#pending.set(key, pending);
    for (const scalar of [...pending.values()]) {
      if (scalar.round < of.round) this.#tell(key, pending, scalar);
    }
    for (const [name, value] of Object.entries(figures)) {
      const figure = name as keyof Figures;
      if (value === null || value === undefined) continue;
      if (of.round > (this.#told.get(`${key}/${figure}`) ?? -1)) {
        // Of an earlier round than the one under way it comes too late.
        if ((pending.get(figure)?.round ?? -1) <= of.round) pending.set(figure, { ...of, figure, value });
      }
    }
  }

  /** Nothing will come any more. */
  end(): void {
    for (const [key, pending] of this.#pending) {
      for (const scalar of [...pending.values()]) this.#tell(key, pending, scalar);
    }
  }

  #tell(key: string, pending: Map<keyof Figures, Scalar>, scalar: Scalar): void {
    pending.delete(scalar.figure);
    this.#told.set(`${key}/${scalar.figure}`, scalar.round);
    this.#emit(scalar);
  }
}
