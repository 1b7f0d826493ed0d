/**
 * Speed of the fold: `npm run bench:fold`, with `-- --json` for machines. A round of 16 deltas into a model of 10
 * million parameters, and what a node does to train on the log of open rounds. Every time is also given as a
 * ratio to copying the model's float32 vector in the same run.
 */
import { parseArgs } from 'node:util';
import { createDeltaCodec, deltaSquaredNorm } from '../src/codec/delta.ts';
import { sealEnvelope } from '../src/log/envelope.ts';
import { cloneState, foldRound, initialState, toParameters } from '../src/log/fold.ts';
import { LogBook } from '../src/log/log-book.ts';
import { encodeState } from '../src/log/snapshot.ts';
import { rngFor } from '../src/math/rng.ts';
import { deltaLog } from '../src/methods/delta-log/method.ts';
import { createCrypto, createSigner } from '../src/platform/node/crypto.ts';
import { measure } from './measure.ts';

const SIZE = 10_000_000;
const DELTAS = 16;
const RUNS = { warmUp: 2, counted: 11 };

const crypto = createCrypto();
const spec = deltaLog.schema.parse({ id: 'delta-log', expectedPeers: DELTAS });
const codec = createDeltaCodec(spec.codec, SIZE, () => 0);
const context = { runId: 'bench', crypto, spec, bodyBytesMax: codec.bodyBytesMax };
const averaging = { ...context, spec: deltaLog.schema.parse({ ...spec, overlap: 'mean' }) };
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
  log.insert({ ...envelope, body, delta, norm: Math.sqrt(deltaSquaredNorm(delta)) });
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
    'fold of 16 deltas, overlap mean': () => {
      target.round = -1;
      foldRound(target, log.slots(0), log.digest(0), averaging);
    },
    'materialise: copy': () => void cloneState(start, target.units),
    'materialise: to float32': () => void toParameters(start),
    'materialise: copy, fold, to float32': () => {
      const state = cloneState(start, target.units);
      foldRound(state, log.slots(0), log.digest(0), context);
      toParameters(state);
    },
    'snapshot bytes': () => void encodeState(start),
  },
  'memcpy',
  RUNS,
);

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
if (options.json) {
  console.log(JSON.stringify(measurements, null, 2));
} else {
  console.log(`${SIZE} parameters, ${DELTAS} deltas of ${codec.id}, median of ${RUNS.counted} runs\n`);
  console.log('task                                        ms   times memcpy');
  for (const { name, medianMs, ratio } of measurements) {
    console.log(name.padEnd(38), medianMs.toFixed(2).padStart(8), ratio.toFixed(2).padStart(14));
  }
}
