/** A table divided among nodes, each row as it stands in the file, under the file's own names. */
import { join } from 'node:path';
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { makeDirectory } from '../../../platform/node/make-directory.ts';
import { answerWidth } from '../../objective.ts';
import { rowsOfShares } from '../share-rows.ts';
import type { SharesRequest } from '../task-kind.ts';
import { onlyTableOf, readCsvFile } from './csv-file.ts';
import { bytesOf } from './csv-scanner.ts';
import { answerReader, objectiveOfLabel } from './labels.ts';
import { namesOf } from './read-table.ts';
import { shapeErrorOf, throwProblem } from './row-problem.ts';
import type { TableTask } from './table-schema.ts';

/** A column with more is no label. Guess. */
const classesMax = 4096;

/** By label; of each share every n-th row is held out, as of any file. @throws DataFileError, DataShapeError */
export async function splitTable(task: TableTask, request: SharesRequest): Promise<string> {
  const { source, targets, alpha } = request;
  const file = await onlyTableOf(source);
  const objective = objectiveOfLabel(task.label);
  const width = answerWidth(objective);
  const answers: number[] = [];
  const rows: Buffer[] = [];
  const head = await readCsvFile(file, namesOf(task), (found) => {
    const answerOf = answerReader(task.label, found, request.classes ?? classesMax);
    const answer = new Float64Array(width);
    return {
      refuse: throwProblem,
      row: (row) => {
        const none = answerOf(row, answer);
        if (none) throw shapeErrorOf(none);
        for (const one of answer) answers.push(one);
        rows.push(bytesOf(row));
      },
    };
  });
  const shares = rowsOfShares(objective, answers, request);
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
