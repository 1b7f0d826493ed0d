/**
 * What messages would cost if the model were as large as the scenario declares it, while the simulated one has a few
 * parameters. Bodies and snapshots are charged at the larger model's size; everything else at its own.
 */

import { expectedBodyBytes } from '../src/codec/compressors/registry.ts';
import { createDeltaCodec } from '../src/codec/delta.ts';
import { segmentBytesMax } from '../src/content/blob.ts';
import { inlineBodyBytesMax } from '../src/log/envelope.ts';
import { requestKindOf } from '../src/log/wire.ts';
import { deltasOf } from '../src/methods/registry.ts';
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
  const log = deltasOf(run.strategy);
  if (!log) {
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
  const bodyBytes = expectedBodyBytes(log.codec, parameters);
  const simulated = createDeltaCodec(log.codec, size, () => 0).bodyBytesMax;
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
