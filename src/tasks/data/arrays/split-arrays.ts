/** Arrays divided among nodes, the numbers as they are in the file. */
import { join } from 'node:path';
import { makeDirectory } from '../../../platform/node/make-directory.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import { rowsOfShares } from '../share-rows.ts';
import type { SharesRequest } from '../task-kind.ts';
import { withArrays } from './array-files.ts';
import type { ArraysTask } from './arrays.ts';
import { findArrays } from './find-arrays.ts';
import { readPart } from './read-arrays.ts';
import { type WrittenArray, writeArrays } from './safetensors-file.ts';
import type { StoredArray } from './stored-array.ts';

/** A label with more classes is none. */
const classesMax = 4096;

/** By label, one safetensors file each; arrays that are held out go to everybody. @throws DataFileError, DataShapeError */
export async function splitArrays(task: ArraysTask, request: SharesRequest): Promise<string> {
  const { source, targets, alpha } = request;
  return withArrays(source, async (opened) => {
    const { train, heldOut } = findArrays(task, opened);
    const { labels, objective } = await readPart(
      task,
      request.classes ?? classesMax,
      train,
      (_, sentence) => {
        throw new DataFileError(sentence);
      },
    );
    const shares = rowsOfShares(objective, labels, request);
    const divided = await Promise.all([train.inputs, train.labels].map(written));
    const whole = heldOut === null ? [] : await Promise.all([heldOut.inputs, heldOut.labels].map(written));
    for (const [peer, target] of targets.entries()) {
      makeDirectory(target);
      const own = divided.map((array) => rowsOf(array, shares[peer]!));
      await writeArrays(join(target, 'part.safetensors'), [...own, ...whole]);
    }
    const counts = shares.map((share) => share.length).join(', ');
    return `examples split by label over ${targets.length} nodes (Dirichlet ${alpha}): ${counts} examples`;
  });
}

async function written(stored: StoredArray): Promise<WrittenArray> {
  const { name, type, shape } = stored;
  return { name, type, shape, bytes: await stored.bytes() };
}

function rowsOf({ name, type, shape, bytes }: WrittenArray, rows: Uint32Array): WrittenArray {
  const [examples, ...own] = shape as [number, ...number[]];
  const width = bytes.length / examples;
  const taken = new Uint8Array(rows.length * width);
  rows.forEach((row, at) => {
    taken.set(bytes.subarray(row * width, (row + 1) * width), at * width);
  });
  return { name, type, shape: [rows.length, ...own], bytes: taken };
}
