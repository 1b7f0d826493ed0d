/** From a scenario to a world: the signed manifest, the peers with their keys, data and speed, and their fates. */
import { loadTaskData, mnistFolder, type TaskData } from '../src/data/dataset.ts';
import { splitAmong } from '../src/data/partition.ts';
import { rngFor } from '../src/math/rng.ts';
import { createCrypto, createSigner } from '../src/node/crypto.ts';
import { createCore } from '../src/protocol/create-core.ts';
import type { Signer } from '../src/protocol/crypto.ts';
import { type SignedManifest, signManifest } from '../src/protocol/manifest.ts';
import { outputsOf, parameterCount } from '../src/protocol/model-layout.ts';
import { initialVector, vectorHash } from '../src/training/initial.ts';
import { batchStreamKey, type Learner } from '../src/training/learner.ts';
import { createTfjsLearner } from '../src/training/tfjs-learner.ts';
import { type EngineOptions, type Fate, handshakeCrossings } from './engine.ts';
import { quadraticLearner } from './quadratic-learner.ts';
import type { Scenario } from './scenario.ts';
import { sharedCrypto } from './shared-crypto.ts';
import { createSharedWork } from './shared-work.ts';
import { simulatedCrypto, simulatedSigner } from './simulated-signatures.ts';
import type { PeerPlan } from './virtual-node.ts';

/** Processes start within this time of each other. */
const bootSpreadMs = 1000;

/** Signatures of the last rounds, remembered for all peers: of 10,000 peers about 30 rounds. */
const verdictsMax = 1 << 19;

const eventsMax = 50_000_000;

/** Virtual time a run may take beyond its rounds before it counts as stuck: as long again, and a minute. */
const patienceFactor = 2;
const patienceMs = 60_000;

export interface World {
  readonly manifest: SignedManifest;
  readonly engine: EngineOptions;
}

export function buildWorld(scenario: Scenario): World {
  const { peers, run, network, seed } = scenario;
  const name = `sim/${seed}`;
  const isReal = scenario.signatures === 'ed25519';
  const crypto = isReal ? sharedCrypto(createCrypto(), verdictsMax) : simulatedCrypto(createCrypto());
  const signerOf = (id: string): Signer => {
    const secret = crypto.sha256(Buffer.from(id));
    return isReal ? createSigner(secret) : simulatedSigner(secret);
  };
  const signers = Array.from({ length: peers }, (_, peer) => signerOf(`${name}/identity/${peer}`));
  const initial = initialVector(run.model, run.seed);
  const startAtMs = bootSpreadMs + Math.ceil(2 * handshakeCrossings * network.latencyMs.max) + 1000;
  const signed = signManifest({ ...run, startAtMs, initHash: vectorHash(initial) }, crypto, signers[0]!);
  const shared = createSharedWork(initial.length);
  const speeds = rngFor(`${name}/speed`);
  const { perStep, spread } = scenario.trainingMs;
  return {
    manifest: signed,
    engine: {
      seed: name,
      network: {
        ...network,
        ...(network.lossUntilRound === undefined
          ? {}
          : { lossUntilMs: startAtMs + network.lossUntilRound * run.slotMs }),
        upBytesPerSecond: network.upBytesPerSecond ?? Number.POSITIVE_INFINITY,
        downBytesPerSecond: network.downBytesPerSecond ?? Number.POSITIVE_INFINITY,
      },
      peers: signers.map(
        (signer, peer): PeerPlan => ({
          key: signer.key,
          share: peer,
          msPerStep: perStep * speeds.uniform(1 - spread, 1 + spread),
          createCore: (stored, incarnation) => {
            const rng = rngFor(`${name}/core/${peer}/${incarnation}`);
            const random = () => rng.float();
            return createCore(signed.manifest, signed.runId, {
              crypto,
              signer,
              initial,
              random,
              stored,
              shared,
            });
          },
        }),
      ),
      fates: fatesOf(scenario, startAtMs, name),
      untilMs: startAtMs + patienceFactor * run.rounds * run.slotMs + patienceMs,
      eventsMax,
      streamKey: (node, round) => batchStreamKey(signed.runId, node.plan.key, round),
    },
  };
}

/** One learner with a training share for every peer, split as the scenario says. */
export async function buildLearner(scenario: Scenario): Promise<Learner> {
  const { data, learner, peers, run, seed } = scenario;
  if (learner.id === 'quadratic') {
    const { learningRate } = run.training;
    return quadraticLearner({
      ...learner,
      size: parameterCount(run.model),
      peers,
      learningRate,
      seed: `sim/${seed}`,
    });
  }
  const path = data.dataset === 'mnist' ? mnistFolder() : data.dataset;
  const { train, heldOut }: TaskData = await loadTaskData(run.task, run.model, path);
  return createTfjsLearner({
    model: run.model,
    training: run.training,
    rounds: run.rounds,
    shares: splitAmong(train, {
      peers,
      alpha: data.dirichletAlpha,
      classes: outputsOf(run.model),
      rng: rngFor(`sim/${seed}/partition`),
    }),
    heldOut,
    // Of the backends only this one has the same bits on every machine.
    backend: 'wasm',
  });
}

/** Boots before the start or at `joinAtRound`; crashes and restarts as the churn list says. */
function fatesOf({ peers, churn, run }: Scenario, startAtMs: number, name: string): Fate[] {
  const rng = rngFor(`${name}/boot`);
  const atUs = (round: number) => Math.round((startAtMs + round * run.slotMs) * 1000);
  const late = new Map(
    churn.flatMap(({ peer, joinAtRound }) => (joinAtRound === undefined ? [] : [[peer, joinAtRound]])),
  );
  const fates: Fate[] = [];
  for (let peer = 0; peer < peers; peer++) {
    const earlyUs = rng.int(bootSpreadMs * 1000);
    const round = late.get(peer);
    fates.push({ kind: 'boot', peer, atUs: round === undefined ? earlyUs : atUs(round) });
  }
  for (const { peer, crashAtRound, restartAtRound } of churn) {
    if (crashAtRound !== undefined) fates.push({ kind: 'crash', peer, atUs: atUs(crashAtRound) });
    if (restartAtRound !== undefined) fates.push({ kind: 'boot', peer, atUs: atUs(restartAtRound) });
  }
  return fates;
}
