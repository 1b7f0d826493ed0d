/**
 * What messages would cost if the model were as large as the scenario declares it, while the simulated one has a few
 * parameters. Bodies and snapshots are charged at the larger model's size; everything else at its own.
 */

import { type CompressorSpec, createCompressor } from '../src/codec/create-compressor.ts';
import { createDeltaCodec } from '../src/codec/delta.ts';
import { riceParameter } from '../src/codec/rice.ts';
import { segmentBytesMax } from '../src/content/blob.ts';
import { inlineBodyBytesMax } from '../src/log/envelope.ts';
import { requestKindOf } from '../src/log/wire.ts';
import type { RunSpec } from '../src/run/run-spec.ts';
import { type CarrierOptions, plainPayloadBytes } from './carrier.ts';

export interface DeclaredSize {
  readonly carrier: Pick<CarrierOptions, 'payloadBytes' | 'patience'>;
  /** Bodies up to this size ride inside announcements: none, where the declared ones do not. */
  readonly inlineBodyBytesMax: number;
}

/**
 * `size`: parameters simulated. A segment of a body stands for all the segments that the larger body has, one asked for after
 * the other, so that requests may take as long as those together.
 */
export function declaredSize(run: RunSpec, size: number, parameters: number): DeclaredSize {
  const { strategy } = run;
  if (strategy.id !== 'delta-log') {
    const more = 4 * (parameters - size);
    return {
      carrier: {
        payloadBytes: (content) => {
          const plain = plainPayloadBytes(content);
          const isPush = content.kind === 'request' && requestKindOf(content.bytes) === 'push';
          return isPush ? plain + more : plain;
        },
        patience: 1,
      },
      inlineBodyBytesMax,
    };
  }
  const bodyBytes = expectedBodyBytes(parameters, strategy.codec);
  const simulated = createDeltaCodec(strategy.codec, size, () => 0).bodyBytesMax;
  const isInline = bodyBytes <= inlineBodyBytesMax;
  /** Segments answer with one frame that is longer than a hash: a body's or a snapshot's. */
  const charge = (frame: Uint8Array): number =>
    frame.length <= simulated ? Math.max(frame.length, bodyBytes) : frame.length + 8 * (parameters - size);
  return {
    carrier: {
      payloadBytes: (content) => {
        const plain = plainPayloadBytes(content);
        if (content.kind === 'gossip') return isInline ? plain + bodyBytes : plain;
        if (content.kind !== 'response') return plain;
        const kind = requestKindOf(content.question);
        if (kind === 'entries' && isInline) return plain + content.frames.length * bodyBytes;
        return kind === 'segment' && content.frames[0] ? charge(content.frames[0]) : plain;
      },
      patience: Math.max(1, Math.ceil(bodyBytes / segmentBytesMax)),
    },
    inlineBodyBytesMax: isInline ? inlineBodyBytesMax : 0,
  };
}

/** Mean length of a body; of codecs other than the default, whose length hardly varies, the longest. */
export function expectedBodyBytes(parameters: number, spec: CompressorSpec): number {
  if (spec.id === 'sparse-sign') return expectedSparseSignBytes(parameters, spec);
  // Of a size that costs nothing to make, for models of any.
  const sample = Math.min(parameters, 1 << 20);
  return Math.ceil((createCompressor(spec, sample).bodyBytesMax * parameters) / sample);
}

/**
 * Mean length of a sparse-sign body when the indices of a chunk are random: a byte of scale for each chunk; for each
 * index a sign and a Rice code of its gap, geometric with mean chunk / k (codec/sparse-sign.ts).
 */
function expectedSparseSignBytes(
  parameters: number,
  { chunk, perChunk }: { readonly chunk: number; readonly perChunk: number },
): number {
  const length = Math.min(chunk, parameters);
  const count = Math.max(1, Math.ceil((perChunk * length) / chunk));
  const bits = riceParameter(length, count);
  const stays = (1 - count / length) ** (2 ** bits);
  const bitsPerIndex = 1 + bits + 1 + (stays < 1 ? stays / (1 - stays) : 0);
  const chunks = parameters / length;
  return Math.ceil(chunks * (1 + (count * bitsPerIndex) / 8));
}
