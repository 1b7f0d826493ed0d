/** From a scenario to a world: the signed manifest, the peers with their keys, data, speed and parts, and their fates. */
import { createDeltaCodec } from '../src/codec/delta.ts';
import { Credentials } from '../src/core/credentials.ts';
import type { Crypto, Signer } from '../src/core/crypto.ts';
import { initialVector, vectorHash } from '../src/learning/initial.ts';
import { batchStreamKey } from '../src/learning/learner.ts';
import { namedNoise } from '../src/learning/private/secret-noise.ts';
import type { EnvelopeContext } from '../src/log/envelope.ts';
import { rngFor } from '../src/math/rng.ts';
import { createCore } from '../src/methods/create-core.ts';
import { lastingNeighbours } from '../src/methods/lasting-neighbours.ts';
import { deltasOf, namesMembers } from '../src/methods/registry.ts';
import { createCrypto, createSigner } from '../src/platform/node/crypto.ts';
import { type SignedManifest, signManifest } from '../src/run/manifest.ts';
import type { RunSpec } from '../src/run/run-spec.ts';
import { type AttackerMeans, behaviourOf, needsObservatory } from './adversaries/behaviours.ts';
import { Observatory } from './adversaries/observatory.ts';
import { handshakeCrossings } from './connections.ts';
import { credentialsOf } from './credentials.ts';
import { declaredSize } from './declared-size.ts';
import type { EngineDependencies, EngineOptions } from './engine-options.ts';
import { largestLatencyMs } from './network/network-model.ts';
import { bootSpreadMs, fatesOf, populate, type WorldPeers } from './population.ts';
import type { Scenario } from './scenario/scenario.ts';
import { secretBytesOf } from './secret-bytes.ts';
import { sharedCrypto } from './shared-crypto.ts';
import { createSharedWork } from './shared-work.ts';
import { simulatedCrypto, simulatedSigner } from './simulated-signatures.ts';
import type { ClockError, PeerPlan } from './virtual-node.ts';

/** Signatures of the last rounds, remembered for all peers: of 10,000 peers about 30 rounds. */
const verdictsMax = 1 << 19;

const eventsMax = 50_000_000;
/** Rounds of a topology drawn anew each time whose links are made beforehand. */
const topologyRoundsMax = 64;

/** Virtual time a run may take beyond its rounds before it counts as stuck: as long again, and a minute. */
const patienceFactor = 2;
const patienceMs = 60_000;

export interface World {
  readonly manifest: SignedManifest;
  readonly engine: EngineOptions;
  readonly peers: WorldPeers;
  readonly startAtMs: number;
  /** What the engine must tell attackers who see everything. */
  readonly onTrained: EngineDependencies['onTrained'];
}

/** @throws ConfigError for a trace that cannot be used, TopologyError where not everyone can be reached */
export async function buildWorld(scenario: Scenario): Promise<World> {
  const { run, seed } = scenario;
  const name = `sim/${seed}`;
  const { crypto, signers } = identitiesOf(scenario, name);
  const initial = initialVector(run.model, run.seed);
  // Over a fixed topology everybody knows who takes part.
  const membership: RunSpec['membership'] = namesMembers(run.strategy)
    ? { kind: 'allow-list', members: signers.map(({ key }) => key) }
    : run.membership;
  const peers = populate(scenario, name, wantedLinks({ ...run, membership }, signers));
  const startAtMs =
    bootSpreadMs +
    Math.ceil(2 * handshakeCrossings * largestLatencyMs(peers.latency, peers.graph)) +
    Math.ceil(scenario.clock.offsetMs) +
    1000;
  const signed = signManifest(
    { ...run, membership, startAtMs, initHash: vectorHash(initial) },
    crypto,
    signers[0]!,
  );
  const shared = createSharedWork(initial.length);
  const { declaredParameters } = scenario;
  const declared =
    declaredParameters === undefined ? null : declaredSize(run, initial.length, declaredParameters);
  const inline = declared ? { inlineMax: declared.inlineBodyBytesMax } : {};
  const observatory = new Observatory(initial.length);
  const shownBy = credentialsOf(signed, signers, crypto, name);
  const context = { runId: signed.runId, crypto, ...inline };
  const behaviours = behavioursOf(run, peers, startAtMs, {
    ...{ observatory, signers, size: initial.length },
    contextOf: (peer) => ({
      ...context,
      credentials: new Credentials(signed.manifest, signed.runId, crypto, shownBy[peer]),
    }),
  });
  const clocks = clocksOf(scenario, name);
  const engine: EngineOptions = {
    seed: name,
    network: networkOf(scenario, peers, startAtMs),
    ...(declared ? { carrier: declared.carrier } : {}),
    peers: signers.map(
      (signer, peer): PeerPlan => ({
        key: signer.key,
        share: peers.shares[peer]!,
        msPerStep: peers.msPerStep[peer]!,
        clock: clocks[peer],
        ...behaviours[peer],
        createCore: (stored, incarnation) => {
          const rng = rngFor(`${name}/core/${peer}/${incarnation}`);
          const random = () => rng.float();
          const secretBytes = secretBytesOf(crypto, `${name}/secrets/${peer}/${incarnation}`);
          const addNoise = namedNoise(`${name}/core/${peer}/${incarnation}`);
          const parts = { crypto, signer, initial, random, secretBytes, addNoise, stored, shared };
          const dependencies = { ...parts, ...inline, credential: shownBy[peer]! };
          return createCore(signed.manifest, signed.runId, dependencies);
        },
      }),
    ),
    fates: await fatesOf(scenario, peers, startAtMs, name),
    untilMs: startAtMs + patienceFactor * run.rounds * run.slotMs + patienceMs,
    eventsMax,
    streamKey: (author, round) => batchStreamKey(signed.runId, author, round),
  };
  const onTrained: World['onTrained'] = peers.roles.some(needsObservatory)
    ? ({ index }, round, start, result) => {
        if (peers.roles[index] === null) observatory.note(round, start, result);
      }
    : undefined;
  return { manifest: signed, engine, peers, startAtMs, onTrained };
}

/** Every peer's key, real or simulated. */
function identitiesOf({ peers, signatures }: Scenario, name: string): { crypto: Crypto; signers: Signer[] } {
  const isReal = signatures === 'ed25519';
  const crypto = isReal ? sharedCrypto(createCrypto(), verdictsMax) : simulatedCrypto(createCrypto());
  const signers = Array.from({ length: peers }, (_, peer): Signer => {
    const secret = crypto.sha256(Buffer.from(`${name}/identity/${peer}`));
    return isReal ? createSigner(secret) : simulatedSigner(secret);
  });
  return { crypto, signers };
}

/** What each attacker does, and whom each peer can reach. */
function behavioursOf(
  { strategy, slotMs }: RunSpec,
  { roles, routers }: WorldPeers,
  startAtMs: number,
  means: Pick<AttackerMeans, 'observatory' | 'size'> & {
    readonly contextOf: (peer: number) => Omit<EnvelopeContext, 'bodyBytesMax'>;
    readonly signers: readonly Signer[];
  },
): Pick<PeerPlan, 'behaviour' | 'friends' | 'router'>[] {
  const { observatory, size, signers } = means;
  const log = deltasOf(strategy);
  const codec = log && createDeltaCodec(log.codec, size, () => 0);
  const bodyBytesMax = [codec?.bodyBytesMax ?? 0];
  return signers.map((signer, peer) => {
    const role = roles[peer];
    const router = routers?.[peer];
    if (!role) return { router };
    const context = { ...means.contextOf(peer), bodyBytesMax };
    const isActive = (nowMs: number) => nowMs >= startAtMs + role.fromRound * slotMs;
    const behaviour = behaviourOf(role, { observatory, context, signer, codec, size, isActive });
    return { behaviour, friends: role.friends, router };
  });
}

function networkOf(
  { network, run }: Scenario,
  peers: WorldPeers,
  startAtMs: number,
): EngineOptions['network'] {
  const { degree, floodPublish, overheadBytes, lossUntilRound } = network;
  return {
    ...peers.network,
    latency: peers.latency,
    degree,
    floodPublish,
    overheadBytes,
    graph: peers.graph,
    ...(lossUntilRound === undefined ? {} : { lossUntilMs: startAtMs + lossUntilRound * run.slotMs }),
  };
}

/** Links between peers, by number, that the run's topology needs in its first rounds. */
function wantedLinks(run: RunSpec, signers: readonly Signer[]): [number, number][] {
  const numbers = new Map(signers.map(({ key }, peer) => [key, peer]));
  const near = lastingNeighbours(run, topologyRoundsMax) ?? new Map<string, readonly string[]>();
  return [...near].flatMap(([key, others]) =>
    others.map((other): [number, number] => [numbers.get(key)!, numbers.get(other)!]),
  );
}

function clocksOf({ peers, clock }: Scenario, name: string): readonly (ClockError | undefined)[] {
  const { offsetMs, driftPpm } = clock;
  if (offsetMs === 0 && driftPpm === 0) return new Array(peers).fill(undefined);
  const rng = rngFor(`${name}/clocks`);
  return Array.from({ length: peers }, () => ({
    offsetMs: rng.uniform(-offsetMs, offsetMs),
    driftPpm: rng.uniform(-driftPpm, driftPpm),
  }));
}
