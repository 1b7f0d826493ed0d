/** Runs that go wrong as they do for users, with real nodes over libp2p: each must be called what it is. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Clock } from '../../src/core/ports.ts';
import type { Learner, TrainRequest } from '../../src/learning/learner.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { clockOff } from '../../src/node/clock/clock-offset.ts';
import { notMetPastEnd } from '../../src/node/clock/past-end.ts';
import { createNode, type StarlingsNode } from '../../src/node/create-node.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import type { LearnerRequest } from '../../src/node/learners.ts';
import type { RunSession } from '../../src/node/run-session.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import type { SignedManifest } from '../../src/run/manifest.ts';
import { crypto, type RunChanges, signerOf, specOf } from '../log/small-run.ts';
import { eventually } from '../network/real-hosts.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-outcomes-'));
after(() => rm(directory, { recursive: true, force: true }));

const deadlineMs = 40_000;
const strategy = { expectedPeers: 4, windowRounds: 3, admitRounds: 1 };

function runOf(
  name: string,
  { startsInMs = 700, ...changes }: RunChanges & { startsInMs?: number } = {},
): SignedManifest {
  const spec = { ...specOf({ strategy, rounds: 8, slotMs: 250, ...changes }), name };
  return createRun(spec, Date.now() + startsInMs, crypto, signerOf(9));
}

/** Learns a fixed change, which depends on whose data it is; of the data `broken` nothing can be learned. */
async function fixedLearner({ run, data }: LearnerRequest): Promise<Learner> {
  const { model } = run.manifest;
  const pace = 0.001 * (1 + data.length);
  return {
    size: 4 * (model.kind === 'logistic-regression' ? model.inputs + 1 : 0),
    backend: `fixed at ${pace}`,
    async train({ parameters }: TrainRequest) {
      if (data === 'broken') throw new Error('the data went away');
      return { parameters: parameters.map((value, k) => value + pace * ((k % 7) - 3)), loss: 1 };
    },
    score: async (vectors) => vectors.map(() => 1),
    evaluate: async () => ({ accuracy: 0.5, loss: 1, examples: 1 }),
    close: async () => {},
  };
}

/** The wall clock of a machine on which it is wrong. */
const shifted = (byMs: number): Clock => ({
  nowMs: () => wallClock.nowMs() + byMs,
  schedule: (atMs, callback) => wallClock.schedule(atMs - byMs, callback),
});

let places = 0;

/** On a place of its own, or one where it was before. */
async function startedNode(
  place: { readonly folder: string; readonly seed: Uint8Array },
  bootstrap: readonly string[],
): Promise<{ readonly node: StarlingsNode; readonly stop: () => Promise<void> }> {
  const store = await openLevelStore(place.folder);
  const node = await createNode({
    identity: identityFromSeed(place.seed),
    profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    bootstrap,
    store,
    clock: wallClock,
    random: Math.random,
    learners: fixedLearner,
  });
  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    await node.close();
    await store.close();
  };
  return { node, stop: () => (stopped ??= stop()) };
}

const somePlace = (seed: Uint8Array = randomBytes(32)) => ({
  folder: join(directory, `store-${places++}`),
  seed,
});

async function nodeOf(
  t: { after(act: () => Promise<void>): void },
  bootstrap: readonly string[] = [],
  seed?: Uint8Array,
): Promise<StarlingsNode> {
  const { node, stop } = await startedNode(somePlace(seed), bootstrap);
  t.after(stop);
  return node;
}

const taking = (node: StarlingsNode, run: SignedManifest, data = 'a'): RunSession =>
  node.join(run, { data, backend: 'wasm' });

async function ends(...sessions: readonly RunSession[]): Promise<RunView[]> {
  const done = (): boolean => sessions.every((session) => session.view().phase === 'finished');
  await eventually('all have finished', done, deadlineMs);
  return sessions.map((session) => session.view());
}

describe('a run with real nodes', { concurrency: 2 }, () => {
  test('three nodes that know a bootstrap that is gone end alone, with three models', async (t) => {
    const run = runOf('stale');
    const gone = '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN';
    const nodes = await Promise.all([1, 2, 3].map(() => nodeOf(t, [gone])));
    const sessions = nodes.map((node, index) => taking(node, run, 'x'.repeat(index + 1)));
    const told = (): boolean => sessions.every((one) => one.view().notices.some(({ id }) => id === 'alone'));
    await eventually('each says that it is alone while it trains', told, deadlineMs);
    const views = await ends(...sessions);
    assert.equal(new Set(views.map(({ modelHash }) => modelHash)).size, 3);
    for (const { outcome, outcomeText, notices } of views) {
      assert.equal(outcome, 'alone');
      assert.match(outcomeText!, /^alone: no peer was ever connected.*--bootstrap/);
      assert.deepEqual(notices, []);
    }
  });

  test('two that train together have trained; one that comes in the last rounds is late, and hears so at once', async (t) => {
    const run = runOf('late', { rounds: 14 });
    const first = await nodeOf(t);
    const second = await nodeOf(t, first.addresses());
    const sessions = [taking(first, run), taking(second, run, 'bb')];
    await eventually(
      'most rounds are over',
      () => sessions[0]!.view().round >= 9 && sessions[0]!.view().peers === 1,
      deadlineMs,
    );
    const third = taking(await nodeOf(t, first.addresses()), run, 'ccc');
    await third.started;
    assert.deepEqual(
      third.view().notices.map(({ id }) => id),
      ['late'],
    );
    const views = await ends(...sessions, third);
    assert.deepEqual(
      views.map(({ outcome }) => outcome),
      ['trained', 'trained', 'late'],
      JSON.stringify(views.map(({ outcomeText }) => outcomeText)),
    );
    assert.match(views[2]!.outcomeText!, /in \d of 14 rounds only, for it came in round \d+: /);
  });

  test('who comes after the end and meets nobody trains nothing and says that it is over; somebody who stands there too is enough', async (t) => {
    const run = runOf('over', { startsInMs: -60_000 });
    const first = await nodeOf(t);
    const session = taking(first, run);
    const isTold = (): boolean => (session.view().skipped[notMetPastEnd] ?? 0) > 2;
    await eventually('it says of rounds that it does not train them', isTold, deadlineMs);
    const { notices, deltasPublished, pastEnd } = session.view();
    assert.deepEqual([notices.map(({ id }) => id), deltasPublished], [['over'], 0]);
    assert.match(
      notices[0]!.text,
      /by its manifest the run was over 5\d s before .* nothing is trained until/,
    );
    assert.equal(pastEnd?.state, 'asking');
    const second = taking(await nodeOf(t, first.addresses()), run, 'bb');
    const views = await ends(session, second);
    for (const { countedRounds, folded, pastEnd } of views) {
      assert.deepEqual([countedRounds, pastEnd?.state, folded.others > 0], [8, 'met', true]);
    }
  });

  test('who was stopped in the middle and is started again after the end hears so, and not that it came late', async (t) => {
    const run = runOf('resumed', { rounds: 36, slotMs: 200 });
    const [home, away] = [somePlace(), somePlace()];
    const first = await startedNode(home, []);
    const second = await startedNode(away, first.node.addresses());
    t.after(first.stop);
    t.after(second.stop);
    const session = taking(first.node, run);
    const left = taking(second.node, run, 'bb');
    const isIn = (): boolean => left.view().folded.own > 1 && left.view().folded.others > 1;
    await eventually('both are in the model', isIn, deadlineMs);
    await second.stop();
    await ends(session);
    await first.stop();

    const back = await startedNode(away, []);
    t.after(back.stop);
    const again = taking(back.node, run, 'bb');
    const isTold = (): boolean => again.view().notices.some(({ id }) => id === 'over');
    await eventually('it is told that the run is over', isTold, deadlineMs);
    const [notice] = again.view().notices;
    assert.match(
      notice!.text,
      /the run was over \d+ s before this node was started again.*: nothing is trained/,
    );

    const host = await startedNode(home, back.node.addresses());
    t.after(host.stop);
    const [caughtUp, kept] = await ends(again, taking(host.node, run));
    assert.equal(caughtUp!.modelHash, kept!.modelHash);
    assert.equal(kept!.outcome, 'trained', kept!.outcomeText!);
    assert.equal(caughtUp!.outcome, 'late');
    assert.match(caughtUp!.outcomeText!, /only, for the run was over when it was started again: leave nodes/);
  });

  test('who trained alone and is started again after the end is alone for what its model is made of', async (t) => {
    const run = runOf('lone', { rounds: 4, slotMs: 200 });
    const place = somePlace();
    const first = await startedNode(place, []);
    t.after(first.stop);
    const [before] = await ends(taking(first.node, run));
    assert.equal(before!.outcome, 'alone');
    await first.stop();
    const second = await startedNode(place, []);
    t.after(second.stop);
    const [after] = await ends(taking(second.node, run));
    assert.equal(after!.modelHash, before!.modelHash);
    assert.match(
      after!.outcomeText!,
      /^alone: nothing that others learned is in the model, and the run was over when this node was started/,
    );
  });

  test('where every round is skipped nothing was trained, whoever holds the same model', async (t) => {
    const run = runOf('skipped', { timeMaxMs: 2500 });
    const first = await nodeOf(t);
    const second = await nodeOf(t, first.addresses());
    const views = await ends(taking(first, run, 'broken'), taking(second, run, 'broken'));
    assert.equal(new Set(views.map(({ modelHash }) => modelHash)).size, 1);
    for (const { outcome, outcomeText } of views) {
      assert.equal(outcome, 'untrained');
      assert.match(outcomeText!, /it skipped \d+ rounds \(mostly: the data went away\)/);
    }
  });

  test('a node whose clock is 3 s ahead hears so from its peers, and trains nothing', async (t) => {
    const run = runOf('clocks', { rounds: 10, slotMs: 400, startsInMs: 8000 });
    const first = await nodeOf(t);
    const others = [first, await nodeOf(t, first.addresses())];
    const sessions = others.map((node, index) => taking(node, run, 'x'.repeat(index + 1)));
    await eventually('they are linked', () => sessions.every((one) => one.view().peers === 1), deadlineMs);
    const fast = (await nodeOf(t, first.addresses())).join(run, {
      ...{ data: 'fast', backend: 'wasm' },
      clock: shifted(3000),
    });
    const hears = (): boolean => (fast.view().clock.offsetMs ?? 0) > 1000;
    await eventually('it hears of its clock', hears, deadlineMs);
    const { clock, notices } = fast.view();
    assert.ok(clock.offsetMs! > 1000 && clock.offsetMs! <= 3001, String(clock.offsetMs));
    assert.match(
      notices.find(({ id }) => id === 'clock')!.text,
      /^clock: it is [123]\.\d s ahead of that of 2 peers \(their median\), .*nothing is trained until it is right; set it/,
    );
    const views = await ends(...sessions);
    assert.deepEqual(
      views.map(({ outcome }) => outcome),
      ['trained', 'trained'],
      JSON.stringify(views.map(({ outcomeText }) => outcomeText)),
    );
    for (const view of views)
      assert.ok(Math.abs(view.clock.offsetMs ?? 0) < 400, 'one wrong clock moves nobody');
    const last = fast.view();
    assert.notEqual(last.outcome, 'trained');
    assert.ok(last.skipped[clockOff]! > last.deltasPublished, JSON.stringify(last.skipped));
  });

  test('two nodes of one key: at least one of them is told that its directory was copied', async (t) => {
    const run = runOf('twins', { rounds: 60, startsInMs: 2000 });
    const first = await nodeOf(t);
    const seed = randomBytes(32);
    const twins = [await nodeOf(t, first.addresses(), seed), await nodeOf(t, first.addresses(), seed)];
    const only = taking(first, run);
    const sessions = twins.map((node, index) => taking(node, run, 'x'.repeat(index + 1)));
    const isTold = (one: RunSession): boolean => one.view().notices.some(({ id }) => id === 'twin');
    await eventually('one of the twins is told', () => sessions.some(isTold), deadlineMs);
    assert.equal(isTold(only), false, 'and nobody else');
  });
});
