import * as z from 'zod';
import { subtractDelta } from '../../../src/codec/delta.ts';
import type { Output } from '../../../src/core/io.ts';
import { encodeEnvelope, openEnvelope, sealEnvelope } from '../../../src/log/envelope.ts';
import { defineMessageAttack } from './message-attack.ts';

/** An announcement of one's own gets others of the same round beside it: of three each peer keeps two, and not all the same. */
export const equivocation = defineMessageAttack({
  id: 'equivocation',
  schema: z.strictObject({
    id: z
      .literal('equivocation')
      .describe('signs other messages of each round, the signs of the first turned'),
    words: z.int().min(2).max(8).default(2).describe('messages of a round'),
  }),
  examples: [{ id: 'equivocation' }, { id: 'equivocation', words: 3 }],
  equivocates: true,
  isSilent: false,
  act(output, { context, signer, codec, size }, { words }) {
    if (output.type !== 'announce' || !codec) return [output];
    const opened = openEnvelope(output.bytes, context);
    if (!opened.ok || !opened.envelope.body || opened.envelope.author !== signer.key) return [output];
    const turned = new Float32Array(size);
    subtractDelta(turned, codec.decode(opened.envelope.body));
    const others = Array.from({ length: words - 1 }, (_, index): Output => {
      // Another length, another word.
      const body = codec.encode(codec.select(turned.map((value) => value / 2 ** index)));
      const other = sealEnvelope(opened.envelope, body, context, signer);
      return { type: 'announce', bytes: encodeEnvelope(other, context.inlineMax) };
    });
    return [output, ...others];
  },
});
