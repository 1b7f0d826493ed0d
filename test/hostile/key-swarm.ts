/**
 * Many keys that act together: each lies in its own way when asked, claims a forged history, floods, dawdles, publishes two deltas
 * of a round or one that undoes what was learned, and comes again whenever it is sent away.
 */
import { randomBytes } from 'node:crypto';
import { type Anchor, type Envelope, encodeEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { rngFor } from '../../src/math/rng.ts';
import type { ClusterNode } from '../cluster/cluster.ts';
import { Forgery } from '../log/forgery.ts';
import { contextOf, type LogContext, noHistory } from '../log/small-run.ts';
import { type Arena, range } from './arena.ts';
import type { HostileAnswer, HostilePeer } from './hostile-peer.ts';
import { dawdle, foldedEmpty, heaviest, junk } from './lies.ts';

/** Honest nodes that each key goes for. */
const targetsPerKey = 6;
const garbagePerFrame = 64;
const streamsPerKey = 8;
const dawdleAgainMs = 1_000;

/** What the swarm publishes: nothing, or deltas that take back what was learned. */
export type SwarmDeltas = 'none' | 'poison';

interface Member {
  readonly peer: HostilePeer;
  readonly targets: readonly ClusterNode[];
  /** Which way it lies. */
  readonly manner: number;
}

const manners = 4;

export class KeySwarm {
  readonly #arena: Arena;
  readonly #members: readonly Member[];
  readonly #forgery: Forgery;
  readonly #context: LogContext;
  readonly #deltas: SwarmDeltas;
  readonly #over = new AbortController();

  private constructor(arena: Arena, members: readonly Member[], forgery: Forgery, deltas: SwarmDeltas) {
    this.#arena = arena;
    this.#members = members;
    this.#forgery = forgery;
    this.#context = contextOf(arena.asSmallRun);
    this.#deltas = deltas;
  }

  /** Comes together and knows where the honest are; the clock of the run stands meanwhile. */
  static async gather(arena: Arena, keys: number, deltas: SwarmDeltas): Promise<KeySwarm> {
    arena.cluster.clock.hold();
    const forgery = new Forgery(arena.asSmallRun, arena.slot + 4);
    const forged: HostileAnswer = (bytes, _from, signer) => forgery.answer(signer, bytes);
    const answers = [foldedEmpty, forged, junk, heaviest];
    const members: Member[] = [];
    for (const index of range(0, keys)) {
      const manner = index % manners;
      const peer = await arena.approach({ answer: answers[manner]! });
      const { honest } = arena;
      const targets = range(0, Math.min(targetsPerKey, honest.length)).map(
        (step) => honest[(index + step * 5) % honest.length]!,
      );
      members.push({ peer, targets, manner });
    }
    const swarm = new KeySwarm(arena, members, forgery, deltas);
    await Promise.all(members.map((member) => swarm.#reach(member)));
    for (const member of members) swarm.#dawdle(member);
    arena.cluster.clock.release();
    return swarm;
  }

  end(): void {
    this.#over.abort();
  }

  /** Requests of the honest that were lied to. */
  get asked(): number {
    return this.#members.reduce((sum, { peer }) => sum + peer.asked, 0);
  }

  /** Links to honest nodes that keys of the swarm have now. */
  get links(): number {
    return this.#members.reduce(
      (sum, { peer, targets }) => sum + targets.filter(({ key }) => peer.peers.includes(key)).length,
      0,
    );
  }

  /** Once a slot, in which whoever was sent away comes again: as often by the clock of the run, however slow the machine. */
  act(slot: number): void {
    for (const member of this.#members) {
      const { peer, targets, manner } = member;
      void this.#reach(member);
      if (this.#deltas === 'poison') this.#publish(member, slot);
      for (const { key, session } of targets) {
        if (manner === 1)
          void peer.ask(key, this.#forgery.claim(session.status().finalisedRound)).catch(() => {});
        if (manner === 2)
          peer.sendFrame(
            key,
            range(0, garbagePerFrame).map(() => randomBytes(92)),
          );
      }
    }
  }

  #publish({ peer, targets, manner }: Member, slot: number): void {
    const anchor = manner === 1 ? this.#forgery.anchor : noHistory;
    const first = encodeEnvelope(this.#poison(peer, slot, anchor, 'one'));
    // One in four says something else to the other half.
    const second = manner === 0 ? encodeEnvelope(this.#poison(peer, slot, anchor, 'other')) : first;
    for (const [index, { key }] of targets.entries()) peer.sendFrame(key, [index % 2 === 0 ? first : second]);
  }

  /** What leads back to the start from where an honest node is, a third of it at a time, times ten. */
  #poison({ signer }: HostilePeer, round: number, anchor: Anchor, seed: string): Envelope {
    const { codec, envelopes } = this.#context;
    const { initial } = this.#arena.asSmallRun;
    const model = this.#arena.honest[0]!.session.model();
    const rng = rngFor(`${seed}/${signer.key}/${round}`);
    const back = model.map((value, index) => (rng.float() < 1 / 3 ? 10 * (value - initial[index]!) : 0));
    const body = codec.encode(codec.select(back));
    return sealEnvelope({ round, kind: 0, index: 0, anchor, claims: [0, 8] }, body, envelopes, signer);
  }

  async #reach({ peer, targets }: Member): Promise<void> {
    for (const { key, addresses } of targets) {
      if (!peer.peers.includes(key)) await peer.dial(addresses, 1).catch(() => {});
    }
  }

  #dawdle({ peer, targets, manner }: Member): void {
    if (manner !== 3) return;
    for (const _ of range(0, streamsPerKey)) void this.#dawdleAgain(peer, targets[0]!);
  }

  /** Again after a while by the clock of the run: by any other, handshakes alone would keep a slow machine busy, and the run's clock where it is. */
  async #dawdleAgain(peer: HostilePeer, node: ClusterNode): Promise<void> {
    const { clock } = this.#arena.cluster;
    while (!this.#over.signal.aborted) {
      await dawdle(peer, node, this.#over.signal);
      await new Promise<void>((resolve) => clock.schedule(clock.nowMs() + dawdleAgainMs, resolve));
    }
  }
}
