/**
 * Peers that come and go, beside what they would have done had they stayed: `npm run bench:absent -- FILE`, a file as `starlings compare` takes
 * it. For each row accuracy and loss of the final model, and the local steps that the cores heard of, as a part of those of peers that are
 * never away. `-- --json` for machines, `-- --seeds 3` for fewer than the file says.
 */
import { parseArgs } from 'node:util';
import { loadComparison } from '../sim/compare/compare-file.ts';
import { Engine } from '../sim/engine.ts';
import { measureModels } from '../sim/final-models.ts';
import { buildLearners } from '../sim/learner.ts';
import { PrivateTraining } from '../sim/private-training.ts';
import type { Scenario } from '../sim/scenario/scenario.ts';
import { TrainingLine } from '../sim/training-line.ts';
import { buildWorld } from '../sim/world.ts';
import { mean } from '../src/math/statistics.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string' },
    rows: { type: 'string' },
    workers: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const [file] = positionals;
if (file === undefined) throw new Error('name a file as `starlings compare` takes it');

interface Outcome {
  readonly accuracy: number;
  readonly loss: number;
  /** Of those that peers make that are never away. */
  readonly stepsShare: number;
}

async function outcomeOf(scenario: Scenario): Promise<Outcome> {
  const world = await buildWorld(scenario);
  const learners = await buildLearners(scenario, world.peers, Number(values.workers));
  const privacy = PrivateTraining.of(scenario.run, learners[0]!.samplingRates);
  const training = new TrainingLine(learners, undefined, privacy);
  const engine = new Engine(world.engine, { training });
  await engine.run();
  const { accuracyMean, heldOutLoss } = await measureModels(engine.nodes, engine.nowUs / 1000, learners[0]!);
  await training.settle();
  await Promise.all(learners.map((one) => one.close()));
  const steps = engine.nodes.map(({ plan }, peer) => engine.trainedUs[peer]! / 1000 / plan.msPerStep);
  const all = scenario.peers * scenario.run.rounds * scenario.run.training.localSteps;
  const stepsShare = steps.reduce((sum, one) => sum + one, 0) / all;
  return { accuracy: accuracyMean, loss: heldOutLoss, stepsShare };
}

/** Half the width of a confidence interval of 95 %, by the normal distribution: a guide for few seeds. */
function halfWidth(figures: readonly number[]): number {
  if (figures.length < 2) return 0;
  const middle = mean(figures);
  const squares = figures.reduce((sum, one) => sum + (one - middle) ** 2, 0);
  return (1.96 * Math.sqrt(squares / (figures.length - 1))) / Math.sqrt(figures.length);
}

const rows = [];
for (const { name, scenarios } of (await loadComparison(file)).variants) {
  if (values.rows && !values.rows.split(';').includes(name)) continue;
  const outcomes: Outcome[] = [];
  for (const scenario of scenarios.slice(0, Number(values.seeds ?? scenarios.length)))
    outcomes.push(await outcomeOf(scenario));
  const of = (what: keyof Outcome): number[] => outcomes.map((outcome) => outcome[what]);
  const row = {
    name,
    accuracy: mean(of('accuracy')),
    loss: mean(of('loss')),
    lossHalfWidth: halfWidth(of('loss')),
    stepsShare: mean(of('stepsShare')),
    losses: of('loss'),
  };
  rows.push(row);
  const { accuracy, loss, lossHalfWidth, stepsShare } = row;
  process.stderr.write(
    `${name}: accuracy ${(100 * accuracy).toFixed(2)} %, loss ${loss.toFixed(4)} +- ${lossHalfWidth.toFixed(4)}, ${(100 * stepsShare).toFixed(1)} % of the steps (${of('loss').map((one) => one.toFixed(4))})\n`,
  );
}
if (values.json) console.log(JSON.stringify({ file, rows }));
