import type { CompressorSpec } from '../codec/compressors/registry.ts';
import type { Overlap } from '../codec/delta.ts';

/** Constants of a run's log, as the methods that keep one name them; their ranges are in the schemas of these. */
export interface LogSpec {
  /** Of the deltas. */
  readonly codec: CompressorSpec;
  /** What is left each round of what an author has not sent. */
  readonly residualDecay: number;
  /** Expected publishers per round (M); everyone while peers <= M. */
  readonly committeeSize: number;
  /** Number of peers, until the log tells it. */
  readonly expectedPeers: number;
  /** A round is final this many rounds later (K). */
  readonly windowRounds: number;
  /** First-hand entries this many rounds old are still admitted; below `windowRounds`. */
  readonly admitRounds: number;
  /** Norms are clipped to this times the median. */
  readonly clipFactor: number;
  /** null: by the number of publishers. */
  readonly outerRate: number | null;
  readonly overlap?: Overlap | undefined;
  readonly snapshotRounds: number;
}
