/** Figures for programs that want each of them once: what is known of a round when the next one has begun. Pure. */
import type { Figures, Noted } from '../node/view/run-history.ts';

/** What stands before the slash groups them where they are drawn. */
const tags: Readonly<Record<Exclude<keyof Figures, 'measures'>, string>> = {
  loss: 'training/loss',
  accuracy: 'held_out/accuracy',
  heldOutLoss: 'held_out/loss',
  bytesIn: 'network/bytes_received',
  bytesOut: 'network/bytes_sent',
  lag: 'log/entries_missing',
  behind: 'log/rounds_not_final',
};

export interface Scalar {
  readonly node: string;
  readonly runId: string;
  readonly round: number;
  /** A name of `Figures`, or `measure/ID`. */
  readonly figure: string;
  /** What it is called where figures lie in groups. */
  readonly tag: string;
  readonly value: number;
  /** When it was learned, Unix time. */
  readonly atMs: number;
}

/** Takes figures to where somebody looks at them. */
export interface ScalarSink {
  /** @throws system errors */
  write(scalar: Scalar): void;
  /** What the figures of a node are of, as far as that is known; again when more is. */
  describe?(of: Pick<Scalar, 'node' | 'runId'>, description: RunDescription): void;
  close(): void | Promise<void>;
}

export interface RunDescription {
  readonly runId: string;
  readonly name: string;
  readonly method: string;
  readonly parameters: number;
  readonly rounds: number;
  readonly slotMs: number;
  /** Null before the end. */
  readonly outcome: string | null;
}

export class SettledFigures {
  readonly #emit: (scalar: Scalar) => void;
  /** By node and run, then by figure: what may still change. */
  readonly #pending = new Map<string, Map<string, Scalar>>();
  /** By node, run and figure: the last round that was told. */
  readonly #told = new Map<string, number>();

  constructor(emit: (scalar: Scalar) => void) {
    this.#emit = emit;
  }

  note(of: Pick<Scalar, 'node' | 'runId' | 'round' | 'atMs'>, figures: Noted): void {
    const key = `${of.node}/${of.runId}`;
    const pending = this.#pending.get(key) ?? new Map<string, Scalar>();
    this.#pending.set(key, pending);
    for (const scalar of [...pending.values()]) {
      if (scalar.round < of.round) this.#tell(key, pending, scalar);
    }
    for (const [figure, tag, value] of named(figures)) {
      if (of.round <= (this.#told.get(`${key}/${figure}`) ?? -1)) continue;
      const scalar = { ...of, figure, tag, value };
      // A round whose training took long is published when the next one is under way.
      if ((pending.get(figure)?.round ?? -1) <= of.round) pending.set(figure, scalar);
      else this.#emitNow(key, scalar);
    }
  }

  /** Nothing will come any more. */
  end(): void {
    for (const [key, pending] of this.#pending) {
      for (const scalar of [...pending.values()]) this.#tell(key, pending, scalar);
    }
  }

  #tell(key: string, pending: Map<string, Scalar>, scalar: Scalar): void {
    pending.delete(scalar.figure);
    this.#emitNow(key, scalar);
  }

  #emitNow(key: string, scalar: Scalar): void {
    this.#told.set(`${key}/${scalar.figure}`, scalar.round);
    this.#emit(scalar);
  }
}

function named({
  measures,
  ...figures
}: Noted): Array<readonly [figure: string, tag: string, value: number]> {
  const plain = Object.entries(figures).flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [[name, tags[name as keyof typeof tags], value] as const],
  );
  const own = Object.entries(measures ?? {}).map(
    ([id, value]) => [`measure/${id}`, `held_out/${id}`, value] as const,
  );
  return [...plain, ...own];
}
