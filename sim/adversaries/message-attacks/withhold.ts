import * as z from 'zod';
import type { Output } from '../../../src/core/io.ts';
import { defineMessageAttack } from './message-attack.ts';

export const withhold = defineMessageAttack({
  id: 'withhold',
  schema: z.strictObject({
    id: z.literal('withhold').describe('forwards no announcement and answers no request'),
  }),
  examples: [{ id: 'withhold' }],
  equivocates: false,
  isSilent: true,
  act: withheld,
});

export const eclipse = defineMessageAttack({
  id: 'eclipse',
  schema: z.strictObject({
    id: z.literal('eclipse').describe('as withhold, and the victims are connected to such peers only'),
    victims: z.array(z.int().min(0)).min(1).max(1000).describe('numbers of honest peers'),
  }),
  examples: [{ id: 'eclipse', victims: [0] }],
  equivocates: false,
  isSilent: true,
  victims: ({ victims }) => victims,
  act: withheld,
});

function withheld(output: Output): Output[] {
  if (output.type === 'verdict') return [{ ...output, verdict: 'ignore' }];
  if (output.type === 'respond') return [{ type: 'refuse', token: output.token, reason: 'not for you' }];
  return [output];
}
