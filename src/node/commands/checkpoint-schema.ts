import * as z from 'zod';
import { checkpointPattern } from '../../log/checkpoint-pattern.ts';

export const checkpointSchema = z
  .string()
  .regex(checkpointPattern, 'is no ROUND:ROOT:SNAPSHOT as a node of the run shows it')
  .describe(
    'where the history of the run has to begin, ROUND:ROOT:SNAPSHOT as its nodes show it; no other history is taken part in',
  );
