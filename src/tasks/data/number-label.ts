/** What a manifest says of a label that is a number, whatever it is read from. */
import * as z from 'zod';

export const numberKind = z.literal('number').describe('a number: least squares');

export const numberMoments = {
  mean: z.number().describe('subtracted before the model learns it; the same at every peer'),
  scale: z
    .number()
    .positive()
    .describe('divided by: losses are in units of it, errors are told in units of the data'),
  unit: z.string().min(1).max(20).optional().describe('what errors are told in, such as mmHg'),
};
