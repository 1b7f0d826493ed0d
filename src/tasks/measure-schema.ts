/** The form of a figure that comes from another process. */
import * as z from 'zod';
import type { Measure } from './measures.ts';

export const measureSchema = z.object({
  id: z.string().min(1).max(40),
  value: z.number(),
  better: z.enum(['higher', 'lower']),
  unit: z.string().max(40).optional(),
}) satisfies z.ZodType<Measure>;
