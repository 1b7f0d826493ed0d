/** A table in a folder that is gone after the tests of the file: what learners that read data themselves are given. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { rngFor } from '../../src/math/rng.ts';
import type { TableTask } from '../../src/tasks/data/table/table-schema.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

export const tableModel: ModelSpec = { kind: 'logistic-regression', inputs: 2, outputs: 2 };
export const tableTask: TableTask = {
  kind: 'table',
  header: ['x', 'y', 'class'],
  numeric: [
    { column: 'x', mean: 0, scale: 1 },
    { column: 'y', mean: 0, scale: 1 },
  ],
  label: { column: 'class' },
  heldOutEvery: 5,
};

/** Paths of a table of 100 points, whose class is the side of the diagonal they lie on, and of one without rows. */
export async function writeTables(): Promise<{ folder: string; dataPath: string; emptyPath: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-table-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const dataPath = join(folder, 'points.csv');
  const emptyPath = join(folder, 'empty.csv');
  const rng = rngFor('worker-data');
  const rows = Array.from({ length: 100 }, () => {
    const [x, y] = [rng.uniform(-1, 1), rng.uniform(-1, 1)];
    return `${x},${y},${x > y ? 1 : 0}`;
  });
  await writeFile(dataPath, rows.join('\n'));
  await writeFile(emptyPath, '\n');
  return { folder, dataPath, emptyPath };
}
