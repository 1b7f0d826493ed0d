/** A table divided among nodes, each row as it stands in the file. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { makeDirectory } from '../../../platform/node/make-directory.ts';
import { DataShapeError } from '../../datasets/data-error.ts';
import { dirichletPartition } from '../../datasets/dirichlet-partition.ts';
import { countClasses } from '../data-report.ts';
import type { SharesRequest } from '../task-kind.ts';
import type { CsvTask } from './csv.ts';
import { type CsvTable, readCsvTable } from './csv-table.ts';
import { labelOf, onlyCsvOf } from './read-csv.ts';

/** A column with more is no label. Guess. */
const classesMax = 4096;

/** By label; of each share every n-th row is held out, as of any file. @throws DataFileError, DataShapeError */
export async function splitCsv(task: CsvTask, request: SharesRequest): Promise<string> {
  const { source, targets, alpha, rng } = request;
  const file = await onlyCsvOf(source);
  const table = await readCsvTable(file);
  const labels = labelsOf(task, table, file, request.classes ?? classesMax);
  const shares = dirichletPartition(labels, {
    peers: targets.length,
    alpha,
    classes: request.classes ?? countClasses(labels).length,
    rng,
  });
  const rows = (await readFile(file, 'utf8')).split(/\r?\n/);
  for (const [peer, target] of targets.entries()) {
    makeDirectory(target);
    const own = Array.from(shares[peer]!, (row) => `${rows[table.lines[row]! - 1]}\n`);
    await writeFileAtomically(join(target, 'part.csv'), [own.join('')]);
  }
  const counts = shares.map((share) => share.length).join(', ');
  return `rows split by label over ${targets.length} nodes (Dirichlet ${alpha}): ${counts} rows`;
}

function labelsOf(task: CsvTask, table: CsvTable, file: string, classes: number): Int32Array {
  const { values, rows, columns, lines } = table;
  if (task.label >= columns) {
    throw new DataShapeError(`${file}: the label is column ${task.label}, the file has 0 to ${columns - 1}`);
  }
  return Int32Array.from({ length: rows }, (_, row) =>
    labelOf(values[row * columns + task.label]!, task, classes, `${file}:${lines[row]}`),
  );
}
