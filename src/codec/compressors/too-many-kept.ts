import type { Impossible } from '../../registry/impossible.ts';

/** Of compressors that keep some numbers of each chunk; a chunk of null is the whole vector. */
export function tooManyKept(
  { chunk, perChunk }: { readonly chunk: number | null; readonly perChunk: number },
  size: number,
): Impossible | null {
  if (perChunk <= (chunk ?? size)) return null;
  const most = chunk === null ? `the ${size} parameters of the model` : `chunk (${chunk})`;
  return { path: ['perChunk'], message: `must not exceed ${most}` };
}
