/** Files of a run: blobs that its manifest names by Merkle root and size, and that peers hand each other. */
import * as z from 'zod';
import { hex32 } from '../core/bytes.ts';

/** 1 GiB: the frozen base of a language model of 500 million parameters in 16 bits. */
const runFileBytesMax = 1 << 30;
export const runFilesMax = 8;
/** Of all files of a run: what a stranger's manifest can make a node put on its disk. */
const filesBytesMax = 2 * runFileBytesMax;

/**
 * What the files are that vectors travel in, as little-endian float32: what training begins at, the model that is added to, examples
 * that deltas are judged on, and those that all train on.
 */
export const startFile = 'start';
export const baseFile = 'base';
export const evaluationFile = 'evaluation';
export const trainingFile = 'training';

/** What each such file is, by its name, where the run has it. */
type ByName<T> = {
  readonly [startFile]?: T;
  readonly [baseFile]?: T;
  readonly [evaluationFile]?: T;
  readonly [trainingFile]?: T;
};
export type RunVectors = ByName<Float32Array>;
/** Where their creator has them. */
export type VectorPaths = ByName<string>;

export const runFileSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'lower-case letters, digits and dashes'),
  /** Of its segments (content/blob.ts). */
  root: z.string().regex(hex32),
  bytes: z.int().min(1).max(runFileBytesMax),
});
export type RunFile = z.infer<typeof runFileSchema>;

/** Numbers that the vectors of a run have. */
interface VectorLengths {
  readonly parameters: number;
  /** Of the model that is added to; null where there is none. */
  readonly baseParameters: number | null;
}

/** What is wrong with the files of a run; null where nothing is. */
export function wrongFile(
  files: readonly RunFile[],
  { parameters, baseParameters }: VectorLengths,
): string | null {
  const names = new Set<string>();
  const together = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (together > filesBytesMax) return `files: ${together} bytes together, more than ${filesBytesMax}`;
  for (const { name, bytes } of files) {
    if (names.has(name)) return `files: there are two called ${name}`;
    names.add(name);
    if (name === startFile && bytes !== 4 * parameters) {
      return `files: ${startFile} has ${bytes} bytes, a start vector of ${parameters} parameters has ${4 * parameters}`;
    }
    if (name === baseFile && bytes !== 4 * (baseParameters ?? 0)) {
      return baseParameters === null
        ? `files: there is a ${baseFile}, and the model adds to none`
        : `files: ${baseFile} has ${bytes} bytes, the model adds to one of ${baseParameters} parameters`;
    }
  }
  if (baseParameters !== null && !names.has(baseFile)) {
    return `files: the model adds to a trained one: name its file as \`${baseFile}\` in the file of the run`;
  }
  return null;
}
