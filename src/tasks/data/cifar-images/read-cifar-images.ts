/**
 * The binary version of CIFAR-10 (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): records
 * of one label byte and 3,072 pixel bytes, all reds first, then greens, then blues, each row by row.
 */
import { join } from 'node:path';
import { readPlain } from '../../../platform/node/read-plain.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import { checkFits, type TaskData } from '../../datasets/dataset.ts';
import { LabelledRows } from '../../datasets/labelled-rows.ts';
import type { ModelSpec } from '../../models/registry.ts';

export const cifarFiles = {
  train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
  heldOut: ['test_batch.bin'],
} as const;

const channels = 3;
const pixels = 32 * 32;
/** Of one image. */
export const cifarValues = channels * pixels;
export const recordBytes = 1 + cifarValues;
/** Those of CIFAR-10 have 10,000 records, of 30 MB. */
const fileBytesMax = 2 ** 31 - 1;

/** @throws DataFileError, DataShapeError */
export async function readCifarImages(model: ModelSpec, folder: string): Promise<TaskData<LabelledRows>> {
  const train = await readRecords(cifarFiles.train.map((name) => join(folder, name)));
  const heldOut = await readRecords(cifarFiles.heldOut.map((name) => join(folder, name)));
  checkFits(train, model, folder);
  checkFits(heldOut, model, folder);
  return { train, heldOut };
}

/** Reads the files one after the other; pixels become height x width x channels. */
async function readRecords(files: readonly string[]): Promise<LabelledRows> {
  const values = cifarValues;
  const records = await readRecordBytes(files);
  const examples = records.length / recordBytes;
  const inputs = new Uint8Array(examples * values);
  const labels = new Uint8Array(examples);
  for (let example = 0; example < examples; example++) {
    const from = example * recordBytes;
    labels[example] = records[from]!;
    for (let channel = 0; channel < channels; channel++) {
      const plane = from + 1 + channel * pixels;
      for (let pixel = 0; pixel < pixels; pixel++) {
        inputs[example * values + pixel * channels + channel] = records[plane + pixel]!;
      }
    }
  }
  return new LabelledRows({ features: values, inputs, scale: 1 / 255, labels });
}

/** The records of all files, one after the other. @throws DataFileError */
export async function readRecordBytes(files: readonly string[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const file of files) {
    const bytes = await readPlain(file, fileBytesMax).catch((error: NodeJS.ErrnoException) => {
      throw new DataFileError(
        `${file}: expected a file of CIFAR-10, but it cannot be opened (${error.code})`,
      );
    });
    if (bytes === null)
      throw new DataFileError(`${file}: expected at most ${fileBytesMax} bytes, found more`);
    if (bytes.length === 0 || bytes.length % recordBytes !== 0) {
      throw new DataFileError(
        `${file}: expected records of ${recordBytes} bytes, found ${bytes.length} bytes: truncated, or another format`,
      );
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}
