/** A run of peers of all sorts, trained for real and folded round by round: the archive of it, and what each round did. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeltaCodec } from '../../src/codec/delta-codec.ts';
import type { Signer } from '../../src/core/crypto.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { createTfjsLearner } from '../../src/learning/tfjs/tfjs-learner.ts';
import { FoldRecorder, type RecordedRound } from '../../src/ledger/fold-recorder.ts';
import { archivePieces } from '../../src/log/archive.ts';
import { type Anchor, encodeStoredEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { LogBook } from '../../src/log/log-book.ts';
import { foldRound, initialState, type LogState } from '../../src/log/log-state.ts';
import { type Rng, rngFor } from '../../src/math/rng.ts';
import { Author } from '../../src/methods/delta-log/author.ts';
import type { DeltaLogParts } from '../../src/methods/delta-log/log-parts.ts';
import { deltasOf } from '../../src/methods/registry.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';
import { loadTaskData, taskKindOf } from '../../src/tasks/data/registry.ts';
import type { TaskData } from '../../src/tasks/datasets/dataset.ts';
import { crypto, deltaStateOf, signerOf } from '../log/small-run.ts';

export type Part = 'honest' | 'half' | 'noise' | 'flip' | 'copy' | 'free';

export interface Played {
  readonly archive: Uint8Array;
  readonly runId: string;
  readonly keys: readonly string[];
  readonly recorded: readonly RecordedRound[];
  readonly data: TaskData;
  readonly spec: ReturnType<typeof specOf>;
}

function specOf(rounds: number, strategy: object = {}) {
  return runSpecSchema.parse({
    name: 'cast',
    model: { kind: 'logistic-regression', inputs: 784, outputs: 10 },
    task: { kind: 'idx-images' },
    training: { localSteps: 10, batchSize: 32, learningRate: 0.1 },
    strategy: { id: 'delta-log', codec: { chunk: 64, perChunk: 8 }, snapshotRounds: 4, ...strategy },
    ...{ rounds, slotMs: 1000 },
  });
}

/** One peer of the cast: what it publishes in a round. */
class Player {
  readonly #part: Part;
  readonly #author: Author;
  readonly #codec: DeltaCodec;
  readonly #rng: Rng;

  constructor(part: Part, codec: DeltaCodec, size: number, rng: Rng) {
    this.#part = part;
    this.#author = new Author({ codec, decay: 0.95, headStart: 0, size });
    this.#codec = codec;
    this.#rng = rng;
  }

  /** `train`: the end of so large a part of a round's steps; `copied`: what another has published before. */
  async publish(
    start: Float32Array,
    train: (share: number) => Promise<Float32Array>,
    copied: Uint8Array | null,
  ): Promise<Uint8Array> {
    const nothing = this.#codec.encode(this.#codec.select(new Float32Array(start.length)));
    switch (this.#part) {
      case 'honest':
        return this.#pay(start, await train(1));
      case 'half':
        return this.#pay(start, await train(0.5));
      case 'flip':
        return this.#pay(await train(1), start);
      case 'noise':
        return this.#pay(
          start.map((value) => value + 0.02 * this.#rng.normal()),
          start,
        );
      case 'copy':
        return copied ?? nothing;
      case 'free':
        return nothing;
      default:
        return this.#part satisfies never;
    }
  }

  #pay(start: Float32Array, end: Float32Array): Uint8Array {
    this.#author.learn(start, end);
    return this.#author.pay();
  }
}

async function learnerOf(spec: ReturnType<typeof specOf>, peers: number) {
  const { task, model, training, rounds } = spec;
  const data = await loadTaskData(task, model, await taskKindOf(task).bundledData!());
  const shares = data.train
    .sample(200 * peers)
    .splitAmong({ peers, alpha: 1, classes: 10, rng: rngFor('cast') });
  const { heldOut } = data;
  const learner = await createTfjsLearner({ model, training, rounds, shares, heldOut, backend: 'wasm' });
  return { data, learner };
}

/** Whoever is drawn to audit says that the deltas of one peer differ, of rounds from one on. */
export interface Accused {
  readonly peer: number;
  readonly from: number;
}

/** What those say who are drawn by now. */
function findingsOf(
  { audits }: Pick<DeltaLogParts, 'audits'>,
  state: LogState,
  signers: readonly Signer[],
  { peer, from }: Accused,
) {
  if (!audits) return [];
  const { kind, number } = audits;
  return signers.flatMap((signer) =>
    kind
      .dutiesIn(state.kinds[number], signer.key)
      .slice(0, kind.perAuthorAndRound)
      .map((one, index) => {
        const differs = one.author === signers[peer]!.key && one.round >= from;
        const result = (differs ? 'ab' : '00').repeat(32);
        const { claims, body } = kind.compose(one, { finding: differs ? 'differs' : 'same', result });
        return { signer, place: { kind: number, index, claims }, body };
      }),
  );
}

/** Peer 0 is who is copied, a round later. */
export async function play(
  parts: readonly Part[],
  rounds: number,
  strategy: object = {},
  accused: Accused = { peer: 0, from: rounds },
): Promise<Played> {
  const spec = specOf(rounds, strategy);
  const { data, learner } = await learnerOf(spec, parts.length);
  const signed = createRun(spec, 1_000_000, crypto, signerOf(99));
  const { runId } = signed;
  const recorder = new FoldRecorder();
  const initial = initialVector(spec.model, spec.seed);
  const { observeFold } = recorder;
  const log = deltasOf(spec.strategy)!.parts(signed.manifest, runId, {
    ...{ crypto, initial, random: () => 0, observeFold },
  });
  const signers = parts.map((_, index) => signerOf(index));
  const players = parts.map(
    (part, index) => new Player(part, log.codec, initial.length, rngFor(`cast/${index}`)),
  );
  const entriesPerRoundMax = log.kinds.map((kind) => kind.entriesPerRoundMax);
  const book = new LogBook({ runId, crypto, entriesPerRoundMax });
  const state: LogState = initialState(log.kinds, log.frame);
  const envelopes: Uint8Array[] = [];
  let copied: Uint8Array | null = null;
  let anchor: Anchor = { round: -1, root: new Uint8Array(32), snapshot: new Uint8Array(32) };
  for (let round = 0; round < rounds; round++) {
    const parameters = log.delta.parameters(deltaStateOf(state));
    const bodies: Uint8Array[] = [];
    for (const [share, player] of players.entries()) {
      const train = async (part: number) => {
        const [steps, streamKey] = [part * spec.training.localSteps, `${share}/${round}`];
        return (await learner.train({ parameters, steps, round, streamKey, share })).parameters;
      };
      bodies.push(await player.publish(parameters, train, copied));
    }
    copied = bodies[0]!;
    for (const [peer, body] of bodies.entries()) {
      const root = crypto.sha256(body);
      const proof = log.audits ? [1, root, log.audits.nothing, root] : [];
      const fields = { round, kind: 0, index: 0, anchor, claims: [0, spec.training.localSteps, ...proof] };
      const envelope = sealEnvelope(fields, body, log.envelopes, signers[peer]!);
      book.insert({ ...envelope, content: log.delta.decode(body, envelope.claims)! });
    }
    for (const { signer, place, body } of findingsOf(log, state, signers, accused)) {
      const envelope = sealEnvelope({ round, anchor, ...place }, body, log.envelopes, signer);
      book.insert({ ...envelope, content: log.kinds[envelope.kind]!.decode(body, envelope.claims)! });
    }
    const places = book.places(round);
    for (const { held } of places)
      if (held.kind === 'entry') envelopes.push(encodeStoredEnvelope(held.entry));
    foldRound(state, places, book.digest(round), { ...log, crypto });
    recorder.onRound(state, places);
    if (round % 4 === 3) anchor = { round, root: state.root.slice(), snapshot: new Uint8Array(32).fill(1) };
  }
  await learner.close();
  const tail = { round: state.round, root: state.root };
  const archive = Buffer.concat([...archivePieces({ manifest: signed.bytes, start: null }, envelopes, tail)]);
  return { archive, runId, keys: signers.map(({ key }) => key), data, spec, recorded: foldedIn(recorder) };
}

/** The rounds as they were folded at first. */
export function foldedIn(recorder: FoldRecorder): RecordedRound[] {
  return recorder.take().flatMap((one) => (one.kind === 'folded' ? [one.round] : []));
}

/** The archive as a file, for as long as `use` takes. */
export async function withFile<T>(bytes: Uint8Array, use: (file: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'starlings-ledger-'));
  try {
    await writeFile(join(directory, 'run.log'), bytes);
    return await use(join(directory, 'run.log'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
