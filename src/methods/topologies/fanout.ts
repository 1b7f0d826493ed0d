import * as z from 'zod';

/** To how many peers a model is sent that picks them by chance. */
export const fanout = z
  .int()
  .min(1)
  .max(64)
  .default(3)
  .describe('peers each model is sent to per round (s); de Vos 2023 uses about log2 n');
