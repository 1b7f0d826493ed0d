/**
 * Speed of the fold: `npm run bench:fold`, with `-- --json` for machines. A round of 16 deltas into a model of 10
 * million parameters, and what a node does to train on the log of open rounds. Every time is also given as a
 * ratio to copying the model's float32 vector in the same run.
 */
import { parseArgs } from 'node:util';
import { createDeltaCodec } from '../src/codec/delta.ts';
import { createDeltaKind } from '../src/entries/delta/delta-kind.ts';
import type { DeltaState } from '../src/entries/delta/delta-state.ts';
import { sealEnvelope } from '../src/log/envelope.ts';
import { LogBook } from '../src/log/log-book.ts';
import {
  cloneState,
  foldRound,
  initialState,
  type Kinds,
  type LogFrame,
  type LogState,
} from '../src/log/log-state.ts';
import { encodeState } from '../src/log/snapshot.ts';
import { rngFor } from '../src/math/rng.ts';
import { deltaRulesOf } from '../src/methods/delta-log/log-parts.ts';
import { deltaLogSchema } from '../src/methods/delta-log/schema.ts';
import { createCrypto, createSigner } from '../src/platform/node/crypto.ts';
import { measure } from './measure.ts';

const SIZE = 10_000_000;
const DELTAS = 16;
const RUNS = { warmUp: 2, counted: 11 };

const crypto = createCrypto();
const spec = deltaLogSchema.parse({ id: 'delta-log', expectedPeers: DELTAS });
const codec = createDeltaCodec(spec.codec, SIZE, () => 0);
const initial = new Float32Array(SIZE);
rngFor('bench/fold/initial').fillUniform(initial, -0.1, 0.1);
const training = { localSteps: 1, slotShare: 0.5 };
const rules = deltaRulesOf(spec, { training, membership: { kind: 'open' } }, initial);
const common = { runId: 'bench', crypto, codec, initial };
const delta = createDeltaKind({ ...common, rules });
const kinds: Kinds = [delta];
const averagingKinds: Kinds = [createDeltaKind({ ...common, rules: { ...rules, overlap: 'mean' } })];
const frame: LogFrame = {
  ...{ runId: 'bench', initHash: new Uint8Array(32), startAtMs: 0, slotMs: 1000, slotMsMax: 1000 },
  ...{ rounds: 1, publishersMin: 1, timeMaxMs: null, windowRounds: 6, judgingRounds: 0 },
  ...{ admitRounds: 3, snapshotRounds: 16 },
};
const anchor = { round: -1, root: frame.initHash, snapshot: new Uint8Array(32) };
const claims = [0, 1];

const log = new LogBook({ runId: 'bench', crypto, entriesPerRoundMax: [DELTAS] });
for (let author = 0; author < DELTAS; author++) {
  const vector = new Float32Array(SIZE);
  rngFor(`bench/fold/${author}`).fillUniform(vector, -0.01, 0.01);
  const body = codec.encode(codec.select(vector));
  const signer = createSigner(new Uint8Array(32).fill(author + 1));
  const place = { round: 0, kind: 0, index: 0 };
  const envelope = sealEnvelope({ ...place, anchor, claims }, body, common, signer);
  log.insert({ ...envelope, content: delta.decode(body, claims) });
}

const start = initialState(kinds, frame);
const target = cloneState(kinds, start);
const fold = (state: LogState, by: Kinds): void => {
  state.round = -1;
  foldRound(state, log.places(0), log.digest(0), { kinds: by, frame, crypto });
};
const parametersOf = (state: LogState) => delta.parameters(state.kinds[0] as DeltaState);
const copy = new Float32Array(SIZE);

const measurements = measure(
  {
    memcpy: () => copy.set(initial),
    'fold of 16 deltas': () => fold(target, kinds),
    'fold of 16 deltas, overlap mean': () => fold(target, averagingKinds),
    'materialise: copy': () => void cloneState(kinds, start, target),
    'materialise: to float32': () => void parametersOf(start),
    'materialise: copy, fold, to float32': () => {
      const state = cloneState(kinds, start, target);
      fold(state, kinds);
      parametersOf(state);
    },
    'snapshot bytes': () => void encodeState(kinds, start),
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
