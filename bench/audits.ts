/**
 * What audits cost beside the training: `npm run bench:audits`, with `-- --json` for machines. The model of the first run, its local
 * steps on MNIST, eight members; with `-- --model gn-lenet` a convolutional one, in which each weight works for many pixels. Of each delta: its record, the roots of what it began with and left, and what goes to the store beside.
 * Of each audit: the fold of the log to where the training began, and the training. Processor time, the least of several runs.
 */
import { parseArgs } from 'node:util';
import { buildLearner } from '../sim/learner.ts';
import { resolveScenario, scenarioFileSchema } from '../sim/scenario/scenario.ts';
import { buildWorld } from '../sim/world.ts';
import { blobRoot } from '../src/content/blob.ts';
import { againDrawn, againOf } from '../src/entries/audit/stages.ts';
import { batchStreamKey } from '../src/learning/learner.ts';
import { sealEnvelope } from '../src/log/envelope.ts';
import { Replica } from '../src/log/replica.ts';
import { rngFor } from '../src/math/rng.ts';
import { Author } from '../src/methods/delta-log/author.ts';
import { createLogParts } from '../src/methods/delta-log/log-parts.ts';
import { openStart } from '../src/methods/delta-log/open-start.ts';
import { deltaLogSchema } from '../src/methods/delta-log/schema.ts';
import { ShownTrainings } from '../src/methods/delta-log/shown-trainings.ts';
import { decodeTraining, openEntries, TrainingNotes } from '../src/methods/delta-log/training-record.ts';
import { createCrypto, createSigner } from '../src/platform/node/crypto.ts';

const { values: flags } = parseArgs({
  options: { json: { type: 'boolean', default: false }, model: { type: 'string', default: 'mlp' } },
});
const [peers, rounds, runs, rate] = [8, 28, 7, 0.02];
const steps = flags.model === 'mlp' ? 30 : 10;
const trained = {
  mlp: {
    model: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 },
    training: { localSteps: steps, learningRate: 0.2 },
  },
  'gn-lenet': {
    model: { kind: 'gn-lenet', height: 28, width: 28, channels: 1, outputs: 10 },
    training: { localSteps: steps, batchSize: 8, learningRate: 0.05 },
  },
}[flags.model];
if (!trained) throw new Error(`--model ${flags.model}: there are mlp and gn-lenet`);

const scenario = resolveScenario(
  scenarioFileSchema.parse({
    peers,
    run: {
      name: 'audited',
      ...trained,
      task: { kind: 'idx-images' },
      strategy: { id: 'delta-log', audits: { rate } },
      ...{ rounds: 100, slotMs: 2000 },
    },
  }),
  undefined,
  'bench/audits.ts',
);
const { manifest: signed, peers: plans } = await buildWorld(scenario);
const { manifest, runId } = signed;
const learner = await buildLearner(scenario, plans);
const crypto = createCrypto();
const size = learner.size;
const initial = new Float32Array(size);
rngFor('bench/audits').fillUniform(initial, -0.05, 0.05);
const spec = deltaLogSchema.parse(manifest.strategy);
const parts = createLogParts(manifest, spec, runId, { crypto, initial, random: () => 0 });
const { codec, kinds, frame, envelopes, delta, audits } = parts;
const replica = new Replica({ kinds, frame, crypto, envelopes, reachRounds: 100 });
const signers = Array.from({ length: peers }, (_, index) => createSigner(new Uint8Array(32).fill(index + 1)));

/** Everybody's delta of every round; all but the last ones are final. */
for (let round = 0; round < rounds; round++) {
  for (const [index, signer] of signers.entries()) {
    const vector = new Float32Array(size);
    rngFor(`bench/audits/${round}/${index}`).fillUniform(vector, -0.01, 0.01);
    const body = codec.encode(codec.select(vector));
    const root = blobRoot(crypto, body);
    const claims = [0, steps, 1, root, audits!.nothing, root];
    const place = { round, kind: 0, index: 0, anchor: replica.anchor, claims };
    const entry = replica.open(sealEnvelope(place, body, envelopes, signer))!;
    replica.insert(entry);
  }
  if (round >= spec.windowRounds) replica.foldNext();
}

async function leastMs(task: (run: number) => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage();
    await task(run);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

const self = signers[0]!.key;
const feedback = { codec, size, decay: spec.residualDecay, headStart: 0 };
const end = initial.map((value, i) => value + 0.001 * ((i % 7) - 3));
const times = 20;
/** Of so many rounds, with what audits need or without. */
const deltas = (isAudited: boolean) => {
  const author = new Author(feedback);
  const notes = new TrainingNotes(self);
  const shown = new ShownTrainings({
    crypto,
    replica: () => replica,
    openEntry: () => null,
    keepsAll: false,
  });
  for (let round = 0; round < times; round++) {
    if (isAudited) notes.begin(replica.base, openEntries(replica), author, false);
    const began = isAudited ? notes.end(round, steps, author) : null;
    author.learn(initial, end);
    author.pay();
    if (began) shown.prove(round, began, author);
    author.writes();
    if (began) shown.forget(new Set());
  }
};

const notes = new TrainingNotes(self);
const author = new Author(feedback);
notes.begin(replica.base, openEntries(replica), author, false);
const record = decodeTraining(notes.end(rounds, steps, author)!.shown)!;
const start = { runId, crypto, kinds, delta, frame };
const rebuild = () => openStart(record, replica.branchAt(record.base.round)!, new Map(), start);

const request = { parameters: initial, steps, round: 0, streamKey: batchStreamKey(runId, self, 0), share: 0 };
await learner.train(request);
const trainingMs = await leastMs(() => learner.train(request));
const [audited, plain] = [await leastMs(() => deltas(true)), await leastMs(() => deltas(false))];
const perDeltaMs = (audited - plain) / times;
const rebuildMs = await leastMs(rebuild);
/** Of each delta that is drawn, where all say the same. */
const trainings = 1 + againDrawn / againOf;
const part = (perDeltaMs + rate * trainings * (trainingMs + rebuildMs)) / trainingMs;
await learner.close();

if (flags.json)
  console.log(JSON.stringify({ parameters: size, steps, trainingMs, perDeltaMs, rebuildMs, rate, part }));
else {
  console.log(`${size} parameters, ${steps} steps: ${trainingMs.toFixed(1)} ms of training`);
  console.log(
    `a delta   ${perDeltaMs.toFixed(2)} ms more, ${((100 * perDeltaMs) / trainingMs).toFixed(2)} %`,
  );
  console.log(
    `an audit  ${(trainingMs + rebuildMs).toFixed(1)} ms, ${rebuildMs.toFixed(1)} of them for the log; of ${100 * rate} % of the deltas ${(100 * rate * (1 + rebuildMs / trainingMs)).toFixed(2)} %`,
  );
  console.log(`together  ${(100 * part).toFixed(2)} % of the training`);
}
