import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeFloat32 } from '../../src/codec/dense.ts';
import type { Signer } from '../../src/core/crypto.ts';
import type { RefusalReason } from '../../src/core/io.ts';
import { encodeStoredEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { encodeRequest } from '../../src/log/wire.ts';
import { meanOfVectors } from '../../src/math/vector.ts';
import { decodeState } from '../../src/methods/mixing/parcel-coding.ts';
import { Flock, type FlockOptions, lossy, towardsTarget } from './flock.ts';
import { crypto, type RunChanges, signerOf, smallRun, smallVector } from './small-run.ts';

function flockOf(peers: number, changes: RunChanges = {}, options: Partial<FlockOptions> = {}): Flock {
  const run = smallRun({ rounds: 10, strategy: { id: 'epidemic', fanout: 2 }, ...changes });
  return new Flock(run, { peers, seed: 'epidemic', ...options });
}

function push(flock: Flock, author: Signer, round: number, model: Float32Array): Uint8Array {
  const context = { runId: flock.run.runId, crypto };
  const envelope = encodeStoredEnvelope(
    sealEnvelope(
      { round, kind: 0, index: 0, anchor: null, claims: [] },
      encodeFloat32(model),
      context,
      author,
    ),
  );
  return encodeRequest({ kind: 'push', envelope });
}

const frozen: FlockOptions['train'] = (_, __, start) => ({ parameters: start.slice(), loss: 1 });

describe('epidemic learning', () => {
  test('averages its own model with what arrived, in float32 of a float64 sum', () => {
    const flock = flockOf(1, {}, { train: frozen });
    flock.bootAll();
    flock.runUntil(2300);
    const size = flock.run.initial.length;
    const models = [3, 4].map((index) => smallVector(size, `model/${index}`));
    const authors = [signerOf(3), signerOf(4)];
    authors.forEach((author, i) => {
      assert.deepEqual(flock.ask(0, author.key, push(flock, author, 2, models[i]!)), []);
    });
    assert.deepEqual(flock.core(0).model(), flock.run.initial, 'not before the slot is over');
    flock.runUntil(3100);
    const inOrder = authors
      .map(({ key }, i) => [key, models[i]!] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, model]) => model);
    assert.deepEqual(flock.core(0).model(), meanOfVectors([flock.run.initial, ...inOrder]));
    assert.equal(flock.status(0).finalisedRound, 2);
    flock.runUntil(4100);
    assert.deepEqual(flock.core(0).model(), meanOfVectors([flock.run.initial, ...inOrder]), 'and once');
  });

  test('refuses what is no model of this round from a member, and counts it', () => {
    const members = [signerOf(0), signerOf(3), signerOf(4), signerOf(5)];
    const flock = flockOf(1, { membership: { kind: 'allow-list', members: members.map(({ key }) => key) } });
    flock.bootAll();
    flock.runUntil(4300);
    const model = smallVector(flock.run.initial.length, 'm');
    const [self, a, b, c] = members as [Signer, Signer, Signer, Signer];
    const refused = (bytes: Uint8Array, reason: RefusalReason, from = a): void => {
      const before = flock.status(0).refused[reason];
      assert.equal(flock.ask(0, from.key, bytes), null, reason);
      assert.equal(flock.status(0).refused[reason], before + 1, reason);
    };
    assert.ok(flock.ask(0, a.key, push(flock, a, 4, model)));
    refused(push(flock, a, 4, model), 'replayed');
    refused(push(flock, a, 3, model), 'replayed');
    refused(push(flock, self, 4, model), 'replayed');
    refused(push(flock, b, 4, model), 'replayed');
    refused(push(flock, b, 6, model), 'too-early', b);
    refused(push(flock, b, 2, model), 'too-late', b);
    refused(push(flock, signerOf(9), 4, model), 'not-a-member', signerOf(9));
    refused(push(flock, c, 4, model.subarray(1)), 'bad-body', c);
    refused(push(flock, c, 4, new Float32Array(model.length + 1)), 'oversized', c);
    refused(push(flock, c, 4, model.with(3, Number.NaN)), 'bad-body', c);
    refused(push(flock, c, 4, model).subarray(0, -1), 'bad-request');
    refused(encodeRequest({ kind: 'snapshots' }), 'bad-request');
    assert.equal(flock.announceTo(0, a.key, Uint8Array.of(1)), 'reject');
    assert.deepEqual([...flock.status(0).contributions.keys()], [a.key]);
  });

  test('draws the peers together, also where a fifth of all messages is lost', () => {
    for (const drops of [undefined, lossy(0.2, 'epidemic')]) {
      const flock = flockOf(6, { rounds: 16 }, drops ? { drops } : {});
      flock.bootAll();
      assert.ok(flock.finish());
      const start = towardsTarget(0, 0, flock.run.initial).loss;
      for (const { index } of flock.members) {
        assert.ok(towardsTarget(0, 0, flock.core(index).model()).loss < start / 10);
        assert.ok(flock.status(index).contributions.size >= 4);
      }
    }
  });

  test('takes up its stored model after a restart', () => {
    const flock = flockOf(3);
    flock.bootAll();
    flock.runUntil(5350);
    const model = flock.core(0).model();
    assert.notDeepEqual(model, flock.run.initial);
    flock.kill(0);
    const stored = flock.member(0).store.get('self/model')!;
    assert.deepEqual(decodeState(stored, model.length)?.vectors, [model]);
    flock.boot(0);
    assert.deepEqual(flock.core(0).model(), model);
    assert.ok(flock.finish());
    assert.ok(
      flock
        .member(0)
        .of('published')
        .some(({ round }) => round > 5),
    );
  });

  test('publishes nothing that is not finite', () => {
    const flock = flockOf(
      2,
      {},
      {
        train: (member, round, start) =>
          member === 0
            ? { parameters: start.map(() => Number.NaN), loss: 1 }
            : towardsTarget(member, round, start),
      },
    );
    flock.bootAll();
    assert.ok(flock.finish());
    assert.equal(flock.member(0).of('published').length, 0);
    assert.equal(flock.status(1).contributions.size, 0);
    assert.ok(flock.core(0).model().every(Number.isFinite));
  });
});
