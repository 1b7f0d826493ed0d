import type { Compressor } from '../../codec/compressor.ts';
import { ErrorFeedback } from '../../codec/error-feedback.ts';
import type { Vector } from '../../math/vector.ts';
import { noBody, type Parcel } from '../mixing/mixing-peer.ts';

type Content = Pick<Parcel, 'vectors' | 'body'>;

/** How the deltas of one peer travel, and how those of others are read. */
export interface DeltaParcels {
  write(delta: Vector): Content;
  /** What a receiver makes of it. */
  read(content: Content): Vector;
  accepts(content: Content): boolean;
  /** What was not sent yet, for the peer to keep; null where everything is. */
  readonly residual: Float64Array | null;
}

export function wholeDeltas(size: number): DeltaParcels {
  return {
    write: (delta) => ({ vectors: [delta], body: noBody }),
    read: ({ vectors }) => vectors[0]!,
    accepts: ({ vectors, body }) => vectors.length === 1 && vectors[0]!.length === size && body.length === 0,
    residual: null,
  };
}

/** Through error feedback of a residual that decays every round, as in SparseLoCo (Sarfi et al. 2025). */
export function compressedDeltas(
  compressor: Compressor,
  residualDecay: number,
  random: () => number,
): DeltaParcels {
  const feedback = new ErrorFeedback(compressor, residualDecay);
  return {
    write: (delta) => ({ vectors: [], body: feedback.compress(delta, random) }),
    read: ({ body }) => compressor.decompress(body),
    accepts: ({ vectors, body }) => vectors.length === 0 && compressor.isValid(body),
    residual: feedback.residual,
  };
}
