/** Nodes of runs that ask newcomers to show something: what they find, keep, give away and are refused. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Credentials, creatorsCredential } from '../../src/core/credentials.ts';
import { initialVector, littleEndianBytes } from '../../src/learning/initial.ts';
import type { Learner } from '../../src/learning/learner.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { createNode } from '../../src/node/create-node.ts';
import { credentialFor, invitationFor } from '../../src/node/credential.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import type { LearnerRequest } from '../../src/node/learners.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import type { RunSpec } from '../../src/run/run-spec.ts';
import { crypto, signerOf, specOf } from '../log/small-run.ts';
import { eventually } from '../network/real-hosts.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-admission-'));
after(() => rm(directory, { recursive: true, force: true }));
type Ends = { after(act: () => Promise<void>): void };

const creator = signerOf(9);
const strategy = { expectedPeers: 4, windowRounds: 3, admitRounds: 1 };
const runOf = (membership: RunSpec['membership'], startsInMs = 1500, start?: Float32Array) =>
  createRun(
    specOf({ strategy, rounds: 4, slotMs: 400, publishersMin: 2, membership }),
    Date.now() + startsInMs,
    crypto,
    creator,
    start && { start },
  );
const invited = (invitations = 2, depth = 2) => ({ kind: 'invite', depth, invitations }) as const;

let places = 0;
async function storeOf(t: Ends) {
  const store = await openLevelStore(join(directory, `store-${places++}`));
  t.after(() => store.close());
  return store;
}

async function learner({ run, data }: LearnerRequest): Promise<Learner> {
  const { model } = run.manifest;
  return {
    size: initialVector(model, 1).length,
    backend: 'fixed',
    train: async ({ parameters }) => ({
      parameters: parameters.map((value, k) => value + 0.001 * data.length * ((k % 7) - 3)),
      loss: 1,
    }),
    score: async (vectors) => vectors.map(() => 1),
    evaluate: async () => ({ accuracy: 0.5, loss: 1, examples: 1 }),
    close: async () => {},
  };
}

async function nodeOf(t: Ends, bootstrap: readonly string[] = []) {
  const store = await storeOf(t);
  const identity = identityFromSeed(randomBytes(32));
  const node = await createNode(
    {
      ...{ identity, store, clock: wallClock, random: Math.random, learners: learner, bootstrap },
      profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    },
    () => {},
  );
  t.after(() => node.close());
  return { node, key: identity.key };
}

describe('a run of those who were invited', () => {
  test('is joined by whom a member invites, files and all, and by nobody else', async (t) => {
    const start = initialVector(specOf({ strategy }).model, 1).map((value, index) => value + index);
    const run = runOf(invited(), 4000, start);
    const first = await nodeOf(t);
    const second = await nodeOf(t, first.node.addresses());
    const third = await nodeOf(t, first.node.addresses());
    const folders = ['first', 'second', 'third'].map((name) => join(directory, name));
    await mkdir(folders[0]!);
    await writeFile(join(folders[0]!, run.manifest.files![0]!.root), littleEndianBytes(start));
    const how = (index: number, credential?: string) =>
      ({ data: 'a'.repeat(index + 1), backend: 'wasm', credential, filesFolder: folders[index]! }) as const;
    const { credential } = invitationFor({
      ...{ run, own: creatorsCredential(), inviter: creator, key: first.key, before: [] },
    });
    const sessions = [first.node.join(run, how(0, Buffer.from(credential).toString('hex')))];
    await sessions[0]!.started;

    await assert.rejects(third.node.join(run.runId, how(2)).started, { code: 'NOT_INVITED' });
    const forSecond = await sessions[0]!.invite(second.key);
    await assert.rejects(third.node.join(run.runId, how(2, forSecond)).started, {
      code: 'NOT_INVITED',
      message: /does not take this invitation/,
    });
    sessions.push(second.node.join(run.runId, how(1, forSecond)));
    await sessions[1]!.started;
    await eventually(
      'both are finished',
      () => sessions.every((one) => one.status().phase === 'finished'),
      60_000,
    );
    assert.equal(new Set(sessions.map((session) => session.status().modelHash)).size, 1);
    assert.deepEqual([...sessions[0]!.status().contributions.keys()].sort(), [first.key, second.key].sort());
    assert.equal(await sessions[0]!.invite(second.key), forSecond, 'a second time it is the same number');
    await sessions[0]!.invite(third.key);
    await assert.rejects(sessions[0]!.invite(signerOf(3).key), { code: 'CANNOT_INVITE' });
    await assert.rejects(sessions[1]!.invite(signerOf(3).key), /no longer chains/);
  });
});

describe('what a node has to show', () => {
  const self = signerOf(1).key;
  const common = { crypto, self, signal: new AbortController().signal };

  test('is found by work, with word of it, and kept', async (t) => {
    const run = runOf({ kind: 'work', bits: 15 });
    const store = await storeOf(t);
    const told: number[][] = [];
    const found = await credentialFor({
      ...{ ...common, run, store, given: undefined },
      onTries: (...tries) => told.push(tries),
    });
    assert.ok(new Credentials(run.manifest, run.runId, crypto).admits(self, found));
    assert.deepEqual(told[0], [0, 2 ** 15]);
    const again = await credentialFor({
      ...{ ...common, run, store, given: undefined },
      onTries: () => assert.fail('it works a second time'),
    });
    assert.deepEqual(Buffer.from(again!), Buffer.from(found!));
  });

  test('is nothing where the run asks for nothing, and the search for it ends when it is told to', async (t) => {
    const store = await storeOf(t);
    const onTries = () => {};
    const open = runOf({ kind: 'open' });
    assert.equal(await credentialFor({ ...common, run: open, store, given: undefined, onTries }), null);
    const hard = runOf({ kind: 'work', bits: 40 });
    const aborter = new AbortController();
    const search = credentialFor({
      ...{ ...common, run: hard, store, given: undefined, signal: aborter.signal },
      onTries: (tries) => tries > 0 && aborter.abort(new Error('enough')),
    });
    await assert.rejects(search, /enough/);
  });
});
