/** Where hostile peers meet honest nodes: a run of short slots, what the honest must not lose in it, and how to live through it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { initialVector } from '../../src/learning/initial.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import type { RunSpec } from '../../src/run/run-spec.ts';
import { Cluster, type ClusterNode, type ClusterOptions } from '../cluster/cluster.ts';
import type { SmallRun } from '../log/small-run.ts';
import { eventually } from '../network/real-hosts.ts';
import { type HostileOptions, HostilePeer } from './hostile-peer.ts';

/** Nothing that is trained here comes near. */
const poisonedFrom = 50;
const slotMs = 250;
const linkDeadlineMs = 60_000;
const slotDeadlineMs = 600_000;
export const strategy = {
  id: 'delta-log',
  ...{ windowRounds: 4, admitRounds: 2, snapshotRounds: 4, expectedPeers: 5, committeeSize: 32 },
};

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

export class Arena {
  readonly cluster: Cluster;
  readonly honest: readonly ClusterNode[];
  readonly #hostile: HostilePeer[] = [];

  private constructor(cluster: Cluster, honest: readonly ClusterNode[]) {
    this.cluster = cluster;
    this.honest = honest;
  }

  /** A run of `honest` nodes; nodes beyond them are there and have no say. `t`: a test, or who takes care of the end. */
  static async begin(
    t: TestContext | ((end: () => Promise<void>) => void),
    honest: number,
    fields: Partial<RunSpec> = {},
    { outsiders = 0, ...options }: ClusterOptions & { readonly outsiders?: number } = {},
  ): Promise<Arena> {
    const cluster = await Cluster.begin(
      honest + outsiders,
      // Slots that could grow would hide that somebody is slower than before.
      { strategy: methodSchema.parse(strategy), rounds: 24, slotMs, slotMsMax: slotMs, ...fields },
      options,
    );
    const arena = new Arena(cluster, cluster.nodes.slice(0, honest));
    const end = async (): Promise<void> => {
      await Promise.all(arena.#hostile.map((peer) => peer.leave()));
      await cluster.end();
    };
    if (typeof t === 'function') t(end);
    else t.after(end);
    return arena;
  }

  /** What forgers need to know of the run. */
  get asSmallRun(): SmallRun {
    const { run } = this.cluster;
    const { manifest, runId } = run;
    return { signed: run, manifest, runId, initial: initialVector(manifest.model, manifest.seed) };
  }

  get slot(): number {
    return Math.floor(
      (this.cluster.nowMs() - this.cluster.manifest.startAtMs) / this.cluster.manifest.slotMs,
    );
  }

  /** A hostile peer that is linked to those nodes, all honest ones where none are given. */
  async intrude(
    options: Omit<HostileOptions, 'runId'> = {},
    targets: readonly ClusterNode[] = this.honest,
  ): Promise<HostilePeer> {
    const peer = await this.approach(options);
    for (const { addresses } of targets) await peer.dial(addresses);
    const linked = (): boolean => targets.every(({ key }) => peer.reaches(key));
    await eventually('the hostile peer is linked', linked, linkDeadlineMs);
    return peer;
  }

  /** A hostile peer that knows nobody yet. */
  async approach(options: Omit<HostileOptions, 'runId'> = {}): Promise<HostilePeer> {
    const peer = await HostilePeer.start({ ...options, runId: this.cluster.runId });
    this.#hostile.push(peer);
    return peer;
  }

  async drive(peer: HostilePeer): Promise<void> {
    this.#hostile.splice(this.#hostile.indexOf(peer), 1);
    await peer.leave();
  }

  /** Lets the honest come to the end of their run; `act` is called once a slot. What it throws ends the test. */
  async live(act: (slot: number) => void | Promise<void> = () => {}): Promise<void> {
    const isOver = (): boolean => this.honest.every(({ session }) => session.status().phase === 'finished');
    for (let past = this.slot; !isOver(); past = this.slot) {
      await eventually('the next slot or the end', () => isOver() || this.slot > past, slotDeadlineMs);
      for (const { session, key } of this.honest) {
        const isSound = session.model().every((value) => Math.abs(value) < poisonedFrom);
        assert.ok(isSound, `${key} holds a forged state`);
      }
      await act(this.slot);
    }
  }

  /** One model; nine tenths of the rounds and more trained by everybody, and every delta in the log that did not go back to its author. */
  assertUnharmed(honest: readonly ClusterNode[] = this.honest): void {
    const hashes = new Set(honest.map(({ session }) => session.status().modelHash));
    assert.equal(hashes.size, 1, 'the models differ');
    const { contributions } = honest[0]!.session.status();
    const { rounds } = this.cluster.manifest;
    for (const node of honest) {
      const sent = node.rounds('published').length;
      const back = node.rounds('restored').length;
      assert.ok(sent >= 0.9 * rounds, `${node.key} published ${sent} times in ${rounds} rounds`);
      assert.ok(back <= 0.1 * rounds, `${back} deltas of ${node.key} were left out`);
      assert.equal(contributions.get(node.key)?.deltas, sent - back, `deltas of ${node.key} were lost`);
      const joined = node.events.filter((event) => event.kind === 'phase' && event.phase === 'joining');
      assert.equal(joined.length, 0, `${node.key} had to join anew`);
    }
  }
}
