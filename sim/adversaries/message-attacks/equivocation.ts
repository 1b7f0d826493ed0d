import * as z from 'zod';
import { subtractDelta } from '../../../src/codec/delta.ts';
import { encodeEnvelope, openEnvelope, sealEnvelope } from '../../../src/log/envelope.ts';
import { defineMessageAttack } from './message-attack.ts';

/** An announcement of one's own gets a second one of the same round beside it. */
export const equivocation = defineMessageAttack({
  id: 'equivocation',
  schema: z.strictObject({
    id: z.literal('equivocation').describe('signs a second message of each round, with the signs turned'),
  }),
  examples: [{ id: 'equivocation' }],
  equivocates: true,
  isSilent: false,
  act(output, { context, signer, codec, size }) {
    if (output.type !== 'announce' || !codec) return [output];
    const opened = openEnvelope(output.bytes, context);
    if (!opened.ok || !opened.envelope.body || opened.envelope.author !== signer.key) return [output];
    const turned = new Float32Array(size);
    subtractDelta(turned, codec.decode(opened.envelope.body));
    const second = sealEnvelope(opened.envelope, codec.encode(codec.select(turned)), context, signer);
    return [output, { type: 'announce', bytes: encodeEnvelope(second, context.inlineMax) }];
  },
});
