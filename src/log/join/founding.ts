import { equals } from 'uint8arrays';
import type { OutputSink } from '../../core/io.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Replica } from '../replica.ts';

/** Ticks of choosing in which peers have answered, and none offered the checkpoint, after which that is told. Guess. */
const ticksUntilTold = 20;

/** Where our history has to begin, where we were told: only from the state that the checkpoint names is all that follows folded here. */
export class Founding {
  readonly checkpoint: Checkpoint | null;
  readonly #replica: Replica;
  #ticks = 0;
  #isUnderWay = false;

  constructor(checkpoint: Checkpoint | null, replica: Replica) {
    this.checkpoint = checkpoint;
    this.#replica = replica;
  }

  /** The checkpoint, where what we hold does not reach it, or stood elsewhere by then. Where it began after that, it cannot be told. */
  get sought(): Checkpoint | null {
    if (!this.checkpoint) return null;
    const { round, root } = this.checkpoint;
    const held = this.#replica.rootAt(round);
    const isOurs = this.#replica.base.round >= round && (held === null || equals(held, root));
    return isOurs ? null : this.checkpoint;
  }

  /** Between the checkpoint and the present there is no other state to begin with. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** At the start of a session; returns whether the checkpoint is to be looked for. */
  begin(): boolean {
    const { sought } = this;
    this.#isUnderWay = sought !== null || this.#replica.base.round === this.checkpoint?.round;
    return sought !== null;
  }

  end(): void {
    this.#isUnderWay = false;
  }

  /** A tick of choosing, in which so many peers have said what they offer. */
  tick(out: OutputSink, answered: number): void {
    const { sought } = this;
    if (!sought || answered === 0) return;
    this.#ticks += 1;
    if (this.#ticks !== ticksUntilTold) return;
    out.push({ type: 'event', event: { kind: 'checkpoint-missing', round: sought.round } });
  }
}
