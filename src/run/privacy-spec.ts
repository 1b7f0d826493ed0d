/** How examples are protected, as a run demands it of all nodes or the owner of a node of its own. */
import * as z from 'zod';

export const privacySchema = z.strictObject({
  epsilon: z
    .number()
    .positive()
    .max(1000)
    .describe(
      'budget: whoever sees all that is published learns e^epsilon times as much of an example at most',
    ),
  delta: z
    .number()
    .positive()
    .max(0.01)
    .default(1e-5)
    .describe('probability with which that may fail; less than one over the number of examples'),
  noiseMultiplier: z
    .number()
    .positive()
    .max(10_000)
    .nullable()
    .default(null)
    .describe(
      'deviation of the noise on a step, in units of clipNorm, at least; null: the least with which the whole run keeps to the budget',
    ),
  clipNorm: z
    .number()
    .positive()
    .max(1e6)
    .default(1)
    .describe('largest norm of what one example adds to a step; the run goes before the node; guess'),
});
export type PrivacySpec = z.infer<typeof privacySchema>;
