/** What docs/CONFIG.md is made of. As a script (`npm run docs:config`) it writes the file. */
import { writeFileSync } from 'node:fs';
import { compareFileSchema } from '../sim/compare/compare-file.ts';
import { scenarioFileSchema } from '../sim/scenario/scenario.ts';
import { renderReference } from '../src/config/reference.ts';
import { nodeFileSchema } from '../src/daemon/node-file.ts';
import { runYamlSchema } from '../src/run/run-spec.ts';

/** The whole text of docs/CONFIG.md. */
export function configReference(): string {
  return renderReference([
    {
      title: 'Runs',
      introduction:
        'What `starlings run create FILE` signs, for example `configs/runs/mnist-mlp.yaml`. How the data is split ' +
        'between nodes is not part of it: data is a local matter.',
      schema: runYamlSchema,
    },
    {
      title: 'Nodes',
      introduction:
        'What `starlings node --config FILE` starts, for example `configs/nodes/two-runs.yaml`. Every flag of the command ' +
        'has its field and overrides it: `--run` with `--data` takes the place of `runs`, `--backend` of that of each of them. ' +
        'Paths are relative to the file.',
      schema: nodeFileSchema,
    },
    {
      title: 'Scenarios',
      introduction:
        'What `starlings sim FILE` plays, for example `configs/sim/mnist-32.yaml`. `run`, `overrides.training` and ' +
        '`overrides.strategy` hold the fields described above.',
      schema: scenarioFileSchema,
      describedAbove: ['run', 'overrides.training', 'overrides.strategy'],
    },
    {
      title: 'Comparisons',
      introduction:
        'What `starlings compare FILE` runs, for example `configs/compare/mnist.yaml`: every strategy with every topology, codec, ' +
        'label skew and seed. Combinations that cannot be are left out and named.',
      schema: compareFileSchema,
      describedAbove: ['scenario', 'strategies[].strategy', 'strategies[].churn', 'topologies[]', 'codecs[]'],
    },
  ]);
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/CONFIG.md', import.meta.url), configReference());
}
