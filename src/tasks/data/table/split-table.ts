/** A table divided among nodes, each row as it stands in the file, under the file's own names. */
import { join } from 'node:path';
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { makeDirectory } from '../../../platform/node/make-directory.ts';
import { dirichletPartition } from '../../datasets/dirichlet-partition.ts';
import { countClasses } from '../data-report.ts';
import type { SharesRequest } from '../task-kind.ts';
import { onlyTableOf, readCsvFile, throwProblem } from './csv-file.ts';
import { bytesOf } from './csv-scanner.ts';
import { namesOf } from './read-table.ts';
import { labelReader, shapeErrorOf } from './row-encoder.ts';
import type { TableTask } from './table-schema.ts';

/** A column with more is no label. Guess. */
const classesMax = 4096;

/** By label; of each share every n-th row is held out, as of any file. @throws DataFileError, DataShapeError */
export async function splitTable(task: TableTask, request: SharesRequest): Promise<string> {
  const { source, targets, alpha, rng } = request;
  const file = await onlyTableOf(source);
  const labels: number[] = [];
  const rows: Buffer[] = [];
  const head = await readCsvFile(file, namesOf(task), (found) => {
    const labelOf = labelReader(task, found, request.classes ?? classesMax);
    return {
      refuse: throwProblem,
      row: (row) => {
        const label = labelOf(row);
        if (typeof label === 'object') throw shapeErrorOf(label);
        labels.push(label);
        rows.push(bytesOf(row));
      },
    };
  });
  const shares = dirichletPartition(labels, {
    peers: targets.length,
    alpha,
    classes: request.classes ?? countClasses(labels).length,
    rng,
  });
  const end = Buffer.from('\n');
  const names = head.header === null ? [] : [head.header, end];
  for (const [peer, target] of targets.entries()) {
    makeDirectory(target);
    const own = Array.from(shares[peer]!, (row) => [rows[row]!, end]).flat();
    await writeFileAtomically(join(target, 'part.csv'), [Buffer.concat([...names, ...own])]);
  }
  const counts = shares.map((share) => share.length).join(', ');
  return `rows split by label over ${targets.length} nodes (Dirichlet ${alpha}): ${counts} rows`;
}
