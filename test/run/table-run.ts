/** A run that takes no time: two numbers of a table, two classes. */
import { type RunSpec, runSpecSchema } from '../../src/run/run-spec.ts';

/** Mean and scale of a column. */
export type Moments = readonly [mean: number, scale: number];

/** `fields` go before what is said here. */
export function tableRun(fields: object, x: Moments = [5, 3], y: Moments = [5, 3]): RunSpec {
  const columns = { x, y };
  return runSpecSchema.parse({
    model: { kind: 'logistic-regression', inputs: 2, outputs: 2 },
    task: {
      kind: 'table',
      header: ['x', 'y', 'class'],
      numeric: Object.entries(columns).map(([column, [mean, scale]]) => ({ column, mean, scale })),
      label: { column: 'class' },
    },
    training: { localSteps: 2 },
    strategy: { id: 'delta-log', windowRounds: 3, admitRounds: 1, codec: { chunk: 64, perChunk: 3 } },
    ...fields,
  });
}
