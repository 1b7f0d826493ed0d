/** Lives through one world and looks for what must never be. */

import { Credentials } from '../../src/core/credentials.ts';
import type { ProtocolEvent, RefusalReason } from '../../src/core/io.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { requestTimeoutMs } from '../../src/methods/mixing/mixing.ts';
import { logOf } from '../../src/methods/registry.ts';
import { createCrypto } from '../../src/platform/node/crypto.ts';
import { attackOnMessages } from '../adversaries/registry.ts';
import { Engine } from '../engine.ts';
import { buildLearner } from '../learner.ts';
import type { WorldPeers } from '../population.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { TrainingLine } from '../training-line.ts';
import type { VirtualNode } from '../virtual-node.ts';
import { buildWorld } from '../world.ts';
import { MassLedger } from './mass-ledger.ts';
import { PushSumBooks } from './push-sum-books.ts';

export interface Examination {
  /** The first thing that must not be, in a sentence; null for a world in order. */
  readonly violation: string | null;
  readonly traceHash: string;
  readonly events: number;
  readonly virtualSeconds: number;
  /** Peers that auditors found to cheat, as some honest peer has it; all of them do. */
  readonly convicted: readonly number[];
  /** Histories that parted, as nodes noticed; in order as long as they came together again. */
  readonly forks: number;
}

/** Refusals that an honest network never gives rise to, whatever it loses. */
const dishonest: readonly RefusalReason[] = [
  'oversized',
  'malformed',
  'bad-signature',
  'wrong-run',
  'not-a-member',
  'bad-body',
  'equivocation',
  'bad-request',
  'bad-response',
];

/** What the last comparison of a finished node shows may take this long to be settled. */
const restSlots = 60;

/** Requests a node may have under way at once, besides parcels to every peer for as long as one may take. */
const pendingMax = 64;

/**
 * After every event of the protocol: parameters are finite, requests under way are bounded, nothing is added to a folded round, no round is folded twice or left
 * out, nothing dishonest was refused among the honest. In the end: all that live have finished, hold one model, and would hold
 * it after a restart from their stores; bytes are within `bytesPerPeerMax`.
 */
export async function examine(scenario: Scenario, signal?: AbortSignal): Promise<Examination> {
  const world = await buildWorld(scenario);
  const learner = await buildLearner(scenario, world.peers);
  const training = new TrainingLine([learner], signal);
  const watch = new Watch(world.peers, scenario);
  const crypto = createCrypto();
  const { runId, manifest } = world.manifest;
  const credentials = new Credentials(manifest, runId, crypto);
  const ledger = new MassLedger(scenario, { runId, crypto, credentials });
  const { peers } = world.engine;
  const books = new PushSumBooks(
    scenario,
    initialVector(scenario.run.model, scenario.run.seed),
    peers.map(({ key }) => key),
  );
  const restMs = restSlots * scenario.run.slotMs;
  const engine = new Engine(
    {
      ...world.engine,
      peers: peers.map((plan) => books.watch(ledger.watch(plan))),
      restMs,
      untilMs: world.engine.untilMs + 3 * restMs,
    },
    {
      training,
      observe: (_, node, event) => watch.note(node, event),
      onTrained: (node, round, start, result) => {
        ledger.trained(node, start, result);
        world.onTrained?.(node, round, start, result);
      },
    },
  );
  let failure: string | null = null;
  try {
    const end = await engine.run(signal);
    signal?.throwIfAborted();
    failure =
      watch.violation ?? (end === 'finished' ? null : `the world ended as '${end}': not all finished`);
    failure ??=
      violationAtRest(engine, scenario, world.peers, ledger) ??
      books.imbalance() ??
      unexplainedCredit(engine, scenario, world.peers, watch);
  } catch (error) {
    signal?.throwIfAborted();
    failure = `${(error as Error).name}: ${(error as Error).message}`;
  } finally {
    await training.settle();
    await learner.close();
  }
  return {
    violation: failure,
    traceHash: engine.trace.digest(),
    events: engine.trace.events,
    virtualSeconds: engine.nowUs / 1e6,
    convicted: convictedPeers(engine, world.peers),
    forks: watch.forks,
  };
}

/** Invariants that hold at any time, event by event. */
class Watch {
  violation: string | null = null;
  forks = 0;
  /** Contributions that each honest peer may be credited with, by its key. */
  readonly creditable = new Map<string, number>();
  /** Last round folded by each incarnation of each node; unknown after anything that may set it back. */
  readonly #folded = new Map<VirtualNode, { incarnation: number; round: number }>();
  readonly #roles: WorldPeers['roles'];
  /** Proofs of equivocation travel through honest hands. */
  readonly #equivocates: boolean;

  /** Averages of the other methods leave out rounds in which nothing came. */
  readonly #isLog: boolean;

  readonly #pendingMax: number;

  constructor({ roles }: WorldPeers, { run }: Scenario) {
    this.#roles = roles;
    this.#isLog = logOf(run.strategy) !== null;
    const roundsUnderWay = this.#isLog ? 0 : Math.ceil(requestTimeoutMs(run.slotMs) / run.slotMs);
    this.#pendingMax = pendingMax + roundsUnderWay * roles.length;
    this.#equivocates = roles.some((role) => role && attackOnMessages(role.behaviour)?.equivocates);
  }

  note(node: VirtualNode, event: ProtocolEvent): void {
    this.violation ??= this.#check(node, event);
  }

  #credit(node: VirtualNode): void {
    this.creditable.set(node.plan.key, (this.creditable.get(node.plan.key) ?? 0) + 1);
  }

  #check(node: VirtualNode, event: ProtocolEvent): string | null {
    if (this.#roles[node.index] !== null) return null;
    const who = `peer ${node.index}`;
    if (node.pending.size > this.#pendingMax) return `${who} has ${node.pending.size} requests under way`;
    switch (event.kind) {
      case 'published':
        if (this.#isLog) this.#credit(node);
        return null;
      // Who mixes may send before it has trained, and be gone in between.
      case 'round-started':
        if (!this.#isLog) this.#credit(node);
        return null;
      case 'weighed':
        return null;
      case 'accepted': {
        const folded = this.#folded.get(node);
        return this.#isLog && folded?.incarnation === node.incarnation && event.round <= folded.round
          ? `${who} took in a contribution to round ${event.round}, which it had folded`
          : null;
      }
      case 'fork':
        this.forks++;
        this.#folded.delete(node);
        return null;
      // With a snapshot in place of the rounds between.
      case 'joined':
      case 'restored':
        this.#folded.delete(node);
        return null;
      case 'refused':
        if (event.reason === 'equivocation' && this.#equivocates) return null;
        return dishonest.includes(event.reason)
          ? `${who} refused a message of an honest peer: ${event.reason}`
          : null;
      case 'finalised': {
        const before = this.#folded.get(node);
        this.#folded.set(node, { incarnation: node.incarnation, round: event.round });
        // Who joins may take a snapshot in place of the rounds between.
        const isJump = (node.phase === 'joining' || !this.#isLog) && event.round > (before?.round ?? -1);
        if (before?.incarnation === node.incarnation && event.round !== before.round + 1 && !isJump) {
          return `${who} folded round ${event.round} after round ${before.round}`;
        }
        const model = node.core?.model();
        return model?.every(Number.isFinite) === false ? `${who} holds a number that is not finite` : null;
      }
      case 'passed': {
        const before = this.#folded.get(node);
        this.#folded.set(node, { incarnation: node.incarnation, round: event.through });
        return before?.incarnation === node.incarnation && event.from !== before.round + 1
          ? `${who} passed rounds ${event.from} to ${event.through} after round ${before.round}`
          : null;
      }
      case 'phase':
      case 'checkpoint-missing':
      case 'skipped':
      case 'equivocation':
      case 'diverging':
        return null;
    }
  }
}

/** Bytes that a peer may send: each message over each link both ways, with its digests, three times over. */
function bytesPerPeerMax({ peers, run, network }: Scenario): number {
  const announcement = 1500;
  const digests = 4000;
  return 3 * run.rounds * network.degree * 2 * (peers * announcement + digests);
}

function violationAtRest(
  engine: Engine,
  scenario: Scenario,
  { roles }: WorldPeers,
  ledger: MassLedger,
): string | null {
  const nowMs = engine.nowUs / 1000;
  const lostDisks = new Set(scenario.churn.flatMap(({ peer, diskLost }) => (diskLost ? [peer] : [])));
  const isLog = logOf(scenario.run.strategy) !== null;
  const honest = engine.nodes.filter(({ index }) => roles[index] === null);
  for (const node of honest) {
    const imbalance = node.alive && !lostDisks.has(node.index) ? ledger.imbalance(node) : null;
    if (imbalance) return imbalance;
  }
  for (const group of isLog ? connectedGroups(honest, engine.nodes) : []) {
    const hashes = new Set(group.map(({ core }) => core!.status(nowMs).modelHash));
    if (hashes.size !== 1) return `${group.length} connected peers hold ${hashes.size} models`;
    const notes = new Set(group.map(({ core }) => JSON.stringify(core!.status(nowMs).shown)));
    if (notes.size !== 1) return `${group.length} connected peers hold ${notes.size} lists of notes`;
    for (const node of group) {
      if (!hashes.has(hashAfterRestart(node, nowMs, scenario.run.slotMs))) {
        return `peer ${node.index} would hold another model after a restart`;
      }
    }
  }
  const wronged = convictedPeers(engine, { roles }).find((index) => roles[index] === null);
  if (wronged !== undefined) return `honest peer ${wronged} is said by audits to cheat`;
  const bytes = bytesPerPeerMax(scenario);
  const loud = engine.network.sentBytes.findIndex((sent) => sent > bytes);
  return loud < 0
    ? null
    : `peer ${loud} sent ${engine.network.sentBytes[loud]} bytes, the budget is ${bytes}`;
}

/** Whose deltas carry no weight for what auditors said. In audited worlds all train on the same, so nobody honest should be among them. */
function convictedPeers({ nodes, nowUs }: Engine, { roles }: Pick<WorldPeers, 'roles'>): number[] {
  const shown = nodes
    .filter(({ index, core }) => core && roles[index] === null)
    .flatMap(({ core }) => core!.status(nowUs / 1000).shown);
  const authors = new Set(
    shown.flatMap(({ kind, author, silenced }) => (kind === 'audit' && silenced ? [author] : [])),
  );
  return nodes.filter(({ plan }) => authors.has(plan.key)).map(({ index }) => index);
}

/** The ledger credits nobody with more than was given; who leaves may hand on once more what it has. */
function unexplainedCredit(
  engine: Engine,
  { churn }: Scenario,
  { roles }: WorldPeers,
  { creditable }: Watch,
): string | null {
  for (const { index, core, nowMs } of engine.nodes) {
    if (!core || roles[index] !== null) continue;
    const { contributions } = core.status(nowMs);
    for (const other of engine.nodes) {
      const credited = contributions.get(other.plan.key)?.deltas ?? 0;
      const parting = churn.filter(
        ({ peer, leaveAtRound }) => peer === other.index && leaveAtRound !== undefined,
      );
      const given = (creditable.get(other.plan.key) ?? 0) + parting.length;
      if (roles[other.index] === null && credited > given) {
        return `peer ${index} credits peer ${other.index} with ${credited} contributions of ${given}`;
      }
    }
  }
  return null;
}

/** A restarted node begins at its last snapshot: alone, it folds what its log holds once it has waited for peers in vain. */
const wakesMax = 400;

function hashAfterRestart(node: VirtualNode, nowMs: number, slotMs: number): string {
  const core = node.recovered();
  core.handle({ type: 'start' }, nowMs);
  let atMs = nowMs;
  for (let wake = 0; wake < wakesMax && core.status(atMs).phase !== 'finished'; wake++) {
    atMs += slotMs / 2;
    core.handle({ type: 'wake' }, atMs);
  }
  return core.status(atMs).modelHash;
}

/** The living among the members, each with all whom it is linked to, directly or through others. */
function connectedGroups(members: readonly VirtualNode[], nodes: readonly VirtualNode[]): VirtualNode[][] {
  const groups: VirtualNode[][] = [];
  const seen = new Set<VirtualNode>(nodes.filter((node) => !members.includes(node)));
  for (const first of members) {
    if (!first.alive || seen.has(first)) continue;
    const group = [first];
    seen.add(first);
    for (const node of group) {
      for (const other of node.links.keys()) {
        const neighbour = nodes[other]!;
        if (!neighbour.alive || seen.has(neighbour)) continue;
        seen.add(neighbour);
        group.push(neighbour);
      }
    }
    groups.push(group);
  }
  return groups;
}
