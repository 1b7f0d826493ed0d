import { RunReducer } from '../../src/node/view/run-reducer.ts';
import type { RunView } from '../../src/node/view/run-view.ts';

const run: RunView['run'] = {
  name: 'demo',
  method: 'delta-log',
  trains: true,
  shareOf: 'norm',
  parameters: 18,
  rounds: 100,
  slotMs: 1000,
  startAtMs: 0,
  windowRounds: 6,
  creator: 'cd'.repeat(32),
  protects: [],
  admission: 'open',
  isHidden: false,
};

/** The view of a node that knows its run and has heard nothing yet, with these fields in place of its own. */
export function someView(fields: Partial<RunView> = {}): RunView {
  return { ...new RunReducer('run', 'ab', 0).view(), state: 'running', run, ...fields };
}
