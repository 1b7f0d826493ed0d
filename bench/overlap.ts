/**
 * How much deltas of honest peers agree: the share of the coordinates of a delta that another one names with the same sign, over the pairs of a
 * round. What `src/ledger/copies.ts` has to tell copies from.
 */
import { parseArgs } from 'node:util';
import { createDeltaCodec, subtractDelta } from '../src/codec/delta.ts';
import type { Delta } from '../src/codec/delta-codec.ts';
import { signedOverlap } from '../src/codec/overlap.ts';
import { initialVector } from '../src/learning/initial.ts';
import { createTfjsLearner } from '../src/learning/tfjs/tfjs-learner.ts';
import { rngFor } from '../src/math/rng.ts';
import { Author } from '../src/methods/delta-log/author.ts';
import { deltasOf } from '../src/methods/registry.ts';
import { runSpecSchema } from '../src/run/run-spec.ts';
import { loadTaskData, taskKindOf } from '../src/tasks/data/registry.ts';

const { values: flags } = parseArgs({
  options: { peers: { type: 'string', default: '8' }, rounds: { type: 'string', default: '10' } },
});
const peers = Number(flags.peers);
const rounds = Number(flags.rounds);

const logistic = { kind: 'logistic-regression', inputs: 784, outputs: 10 };
const mlp = { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 };
const eight = { chunk: 64, perChunk: 8 };
const few = { chunk: 4096, perChunk: 64 };
const cases = [
  { model: logistic, batchSize: 32, codec: eight },
  { model: logistic, batchSize: 256, codec: few },
  { model: mlp, batchSize: 32, codec: eight },
  { model: mlp, batchSize: 256, codec: few },
  { model: mlp, batchSize: 256, codec: { id: 'int8', block: 64 } },
];

/** Mean and largest share of each round. */
async function sharesOf(
  { model, batchSize, codec }: (typeof cases)[number],
  alpha: number,
): Promise<string[]> {
  const spec = runSpecSchema.parse({
    ...{ name: 'overlap', model, task: { kind: 'idx-images' }, rounds, slotMs: 1000 },
    training: { localSteps: 30, batchSize, learningRate: 0.1 },
    strategy: { id: 'delta-log', codec },
  });
  const path = await taskKindOf(spec.task).bundledData!();
  const { train, heldOut } = await loadTaskData(spec.task, spec.model, path);
  const shares = train.splitAmong({ peers, alpha, classes: 10, rng: rngFor(`overlap/${alpha}`) });
  const learner = await createTfjsLearner({
    ...{ model: spec.model, training: spec.training, rounds, shares, heldOut, backend: 'wasm' as const },
  });
  const initial = initialVector(spec.model, spec.seed);
  const deltas = createDeltaCodec(deltasOf(spec.strategy)!.codec, initial.length, () => 0.5);
  const authors = shares.map(
    () => new Author({ codec: deltas, decay: 0.95, headStart: 0, size: initial.length }),
  );
  const model64 = Float64Array.from(initial);
  const said: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const parameters = Float32Array.from(model64);
    const published: Delta[] = [];
    for (const [share, author] of authors.entries()) {
      const streamKey = `${share}/${round}`;
      author.learn(
        parameters,
        (await learner.train({ parameters, steps: 30, round, streamKey, share })).parameters,
      );
      published.push(deltas.decode(author.pay()));
    }
    const pairs = published.flatMap((a, i) => published.slice(i + 1).map((b) => signedOverlap(a, b)));
    const parts = pairs.map(({ same, fewer }) => same / fewer);
    const mean = parts.reduce((sum, part) => sum + part, 0) / parts.length;
    said.push(`${mean.toFixed(2)} ${Math.max(...parts).toFixed(2)}`);
    const sum = new Float64Array(model64.length);
    for (const delta of published) subtractDelta(sum, delta);
    const rate = Math.min(1 / Math.sqrt(peers), 4 / peers);
    for (let i = 0; i < sum.length; i++) model64[i] = model64[i]! + rate * sum[i]!;
  }
  await learner.close();
  return said;
}

process.stdout.write('mean and largest share of each round\n');
for (const one of cases) {
  for (const alpha of [0.1, 100]) {
    const { model, batchSize, codec } = one;
    const head = `${model.kind}, batches of ${batchSize}, ${JSON.stringify(codec)}, alpha ${alpha}:`;
    process.stdout.write(`${head} ${(await sharesOf(one, alpha)).join(', ')}\n`);
  }
}
process.exit();
