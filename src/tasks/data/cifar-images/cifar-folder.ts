/** A folder of CIFAR-10's files as a whole: what is in it, and its division among nodes. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { linkOrCopy } from '../../../platform/node/link-or-copy.ts';
import { makeDirectory } from '../../../platform/node/make-directory.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import { dirichletPartition } from '../../datasets/dirichlet-partition.ts';
import { countClasses, type DataReport, orRefused, type PartReport, Refusals } from '../data-report.ts';
import type { SharesRequest } from '../task-kind.ts';
import { cifarFiles, cifarValues, readRecordBytes, recordBytes } from './read-cifar-images.ts';

/** Whether the folder has one of the six files. */
export async function isCifarFolder(path: string): Promise<boolean> {
  for (const name of [...cifarFiles.train, ...cifarFiles.heldOut]) {
    const found = await stat(join(path, name)).catch(() => null);
    if (found?.isFile()) return true;
  }
  return false;
}

export async function inspectCifarFolder(folder: string): Promise<DataReport> {
  const refused = new Refusals();
  const parts: PartReport[] = [];
  const files: string[] = [];
  for (const [name, names] of [
    ['train', cifarFiles.train],
    ['held out', cifarFiles.heldOut],
  ] as const) {
    const paths = names.map((file) => join(folder, file));
    const records = await orRefused(() => readRecordBytes(paths), refused);
    if (records === null) continue;
    files.push(...paths);
    parts.push({ name, rows: records.length / recordBytes, classes: countClasses(labelsOf(records)) });
  }
  return { files, parts, columns: cifarValues, refused: refused.list() };
}

/** By label; each share has the five files to learn from, and the one held out. @throws DataFileError, DataShapeError */
export async function splitCifarFolder(request: SharesRequest): Promise<string> {
  const { source, targets, classes, alpha, rng } = request;
  if (targets.some((target) => resolve(target) === resolve(source))) {
    throw new DataFileError(`${source} cannot be its own share: its files would be overwritten`);
  }
  const records = await readRecordBytes(cifarFiles.train.map((name) => join(source, name)));
  const [heldOut] = cifarFiles.heldOut;
  // Found to be sound before anything is written.
  await readRecordBytes([join(source, heldOut)]);
  const labels = labelsOf(records);
  const shares = dirichletPartition(labels, {
    peers: targets.length,
    alpha,
    classes: classes ?? countClasses(labels).length,
    rng,
  });
  for (const [peer, target] of targets.entries()) {
    const share = shares[peer]!;
    makeDirectory(target);
    const cut = (file: number) => Math.round((file * share.length) / cifarFiles.train.length);
    for (const [file, name] of cifarFiles.train.entries()) {
      const rows = Array.from(share.subarray(cut(file), cut(file + 1)), (row) =>
        records.subarray(row * recordBytes, (row + 1) * recordBytes),
      );
      await writeFileAtomically(join(target, name), [Buffer.concat(rows)]);
    }
    await linkOrCopy(join(source, heldOut), join(target, heldOut));
  }
  const counts = shares.map((share) => share.length).join(', ');
  return `images split by label over ${targets.length} nodes (Dirichlet ${alpha}): ${counts} examples`;
}

function labelsOf(records: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: records.length / recordBytes }, (_, row) => records[row * recordBytes]!);
}
