import { RunReducer } from '../../src/node/view/run-reducer.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import { someFacts } from './some-run.ts';

const { members: _, names: __, ...run } = someFacts({ slotMs: 1000, startAtMs: 0, protects: [] });

/** The view of a node that knows its run and has heard nothing yet, with these fields in place of its own. */
export function someView(fields: Partial<RunView> = {}): RunView {
  return {
    ...new RunReducer('run', 'ab', 0).view(),
    ...{ state: 'running', run: { ...run, protects: [] } },
    ...fields,
  };
}
