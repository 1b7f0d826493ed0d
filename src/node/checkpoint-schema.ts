import * as z from 'zod';
import { parseCheckpoint } from '../log/checkpoint.ts';

export const checkpointSchema = z
  .string()
  .refine((text) => parseCheckpoint(text) !== null, 'is no ROUND:ROOT:SNAPSHOT as a node of the run shows it')
  .describe(
    'where the history of the run has to begin, ROUND:ROOT:SNAPSHOT as its nodes show it; no other history is taken part in',
  );
