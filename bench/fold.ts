/**
 * Speed of the fold: `npm run bench:fold`, with `-- --json` for machines. A round of 16 deltas into a model of 10
 * million parameters, and what a node does to train on the log of open rounds. Every time is also given as a
 * ratio to copying the model's float32 vector in the same run.
 */
import { parseArgs } from 'node:util';
import { sparseSignCodec, squaredNorm } from '../src/codec/sparse-sign.ts';
import { rngFor } from '../src/math/rng.ts';
import { median } from '../src/math/statistics.ts';
import { createCrypto, createSigner } from '../src/node/crypto.ts';
import { sealEnvelope } from '../src/protocol/envelope.ts';
import { cloneState, foldRound, initialState, toParameters } from '../src/protocol/fold.ts';
import { LogBook } from '../src/protocol/log-book.ts';
import { deltaLogSchema } from '../src/protocol/run-spec.ts';
import { encodeState } from '../src/protocol/snapshot.ts';

const SIZE = 10_000_000;
const DELTAS = 16;
const WARM_UP_RUNS = 2;
const RUNS = 11;

/** One line of the result; `ratio` is medianMs over that of the reference. */
interface Measurement {
  readonly name: string;
  readonly medianMs: number;
  readonly reference: string;
  readonly ratio: number;
  readonly runs: number;
}

/** Times all tasks in turn, round after round, so that a change in the machine's speed meets all of them. */
function measure(tasks: Readonly<Record<string, () => void>>, reference: string): Measurement[] {
  const names = Object.keys(tasks);
  const times = new Map(names.map((name) => [name, [] as number[]]));
  for (let run = -WARM_UP_RUNS; run < RUNS; run++) {
    for (const name of names) {
      const startMs = performance.now();
      tasks[name]!();
      const tookMs = performance.now() - startMs;
      if (run >= 0) times.get(name)!.push(tookMs);
    }
  }
  const referenceMs = median(times.get(reference)!);
  return names.map((name) => {
    const medianMs = median(times.get(name)!);
    return { name, medianMs, reference, ratio: medianMs / referenceMs, runs: RUNS };
  });
}

const crypto = createCrypto();
const spec = deltaLogSchema.parse({ id: 'delta-log', expectedPeers: DELTAS });
const codec = sparseSignCodec({ size: SIZE, ...spec.codec });
const context = { runId: 'bench', crypto, spec, bodyBytesMax: codec.bodyBytesMax };
const initial = new Float32Array(SIZE);
rngFor('bench/fold/initial').fillUniform(initial, -0.1, 0.1);

const log = new LogBook(crypto);
for (let author = 0; author < DELTAS; author++) {
  const vector = new Float32Array(SIZE);
  rngFor(`bench/fold/${author}`).fillUniform(vector, -0.01, 0.01);
  const body = codec.encode(codec.select(vector));
  const delta = codec.decode(body);
  const signer = createSigner(new Uint8Array(32).fill(author + 1));
  const envelope = sealEnvelope({ round: 0, misses: 0 }, body, context, signer);
  log.insert({ ...envelope, body, delta, norm: Math.sqrt(squaredNorm(delta)) });
}

const start = initialState(initial, new Uint8Array(32));
const target = cloneState(start);
const copy = new Float32Array(SIZE);

const measurements = measure(
  {
    memcpy: () => copy.set(initial),
    'fold of 16 deltas': () => {
      target.round = -1;
      foldRound(target, log.slots(0), log.digest(0), context);
    },
    'materialise: clone': () => void cloneState(start),
    'materialise: to float32': () => void toParameters(start),
    'materialise: clone, fold, to float32': () => {
      const state = cloneState(start);
      foldRound(state, log.slots(0), log.digest(0), context);
      toParameters(state);
    },
    'snapshot bytes': () => void encodeState(start),
  },
  'memcpy',
);

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
if (options.json) {
  console.log(JSON.stringify(measurements, null, 2));
} else {
  console.log(`${SIZE} parameters, ${DELTAS} deltas of ${codec.id}, median of ${RUNS} runs\n`);
  console.log('task                                        ms   times memcpy');
  for (const { name, medianMs, ratio } of measurements) {
    console.log(name.padEnd(38), medianMs.toFixed(2).padStart(8), ratio.toFixed(2).padStart(14));
  }
}
