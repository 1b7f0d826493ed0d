/** A newcomer of an open run that was told a place in its history, and meets liars. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { segmentOf } from '../../src/content/blob.ts';
import { type Checkpoint, checkpointText, parseCheckpoint } from '../../src/log/checkpoint.ts';
import { nextRoot } from '../../src/log/lineage.ts';
import { decodeState, encodeOffer, signSnapshotHeader, snapshotOf } from '../../src/log/snapshot.ts';
import { baseKey, isBaseKey } from '../../src/log/store-keys.ts';
import { decodeRequest, encodeChain, encodeHashList } from '../../src/log/wire.ts';
import { Flock, type FlockOptions, towardsTarget } from './flock.ts';
import { Forgery } from './forgery.ts';
import { contextOf, crypto, type SmallRun, signerOf, smallRun } from './small-run.ts';

const strategy = { windowRounds: 4, admitRounds: 2, snapshotRounds: 4, committeeSize: 32 };
const honest = [0, 1, 2, 3];
const liars = [4, 5, 6];
const newcomer = 7;
const isLiar = (member: number): boolean => liars.includes(member);

/** What liars answer who hang a forged state upon a true root, and hand out the true state as well. */
function hungUpon({ round, root }: Checkpoint, blob: Uint8Array, run: SmallRun) {
  const digest = crypto.sha256(Uint8Array.of(7));
  const real = snapshotOf(crypto, { round, root }, blob);
  const forgery = new Forgery(run, round + 4, (state) => {
    state.root = nextRoot(crypto, root, round + 4, digest);
  });
  return (member: number, bytes: Uint8Array): readonly Uint8Array[] | null => {
    const signer = signerOf(member);
    const request = decodeRequest(bytes);
    const isReal = request && 'root' in request && Buffer.compare(request.root, real.blobRoot) === 0;
    switch (request?.kind) {
      case 'snapshots': {
        const offers = [real, forgery.snapshot].map((one) => signSnapshotHeader(one, run.runId, signer));
        return offers.map((offer) => encodeOffer(offer, []));
      }
      case 'leaves':
        return isReal ? [encodeHashList(real.leaves)] : forgery.answer(signer, bytes);
      case 'segment':
        return isReal ? [segmentOf(real.blob, request.index)] : forgery.answer(signer, bytes);
      case 'chain':
        return [encodeChain({ root, digests: [null, null, null, digest] })];
      default:
        return forgery.answer(signer, bytes);
    }
  };
}

/** The honest have trained for a while, and the newcomer has met the liars alone. `handsOut`: they have the state of the checkpoint. */
function misled(given: (real: Checkpoint) => Checkpoint | undefined, handsOut: boolean, isClosed = false) {
  const members = [...honest, ...liars, newcomer].map((index) => signerOf(index).key);
  const run = smallRun({
    ...{ rounds: 60, strategy },
    ...(isClosed ? { membership: { kind: 'allow-list', members } } : {}),
  });
  let told: Checkpoint | undefined;
  let lie: NonNullable<FlockOptions['impostor']> = () => undefined;
  const flock = new Flock(run, {
    ...{ peers: 8, seed: 'checkpoint' },
    checkpoint: (index) => (index === newcomer ? told : undefined),
    train: (member, round, start) =>
      isLiar(member) ? { parameters: start, loss: Number.NaN } : towardsTarget(member, round, start),
    impostor: (member, bytes, from) => (isLiar(member) ? lie(member, bytes, from) : undefined),
  });
  const { slotMs } = run.manifest;
  for (const index of honest) flock.boot(index);
  flock.runUntil(26 * slotMs);
  const newest = [...flock.member(0).store].findLast(([key]) => isBaseKey(key))!;
  const { round, root } = decodeState(contextOf(run).kinds, newest[1])!;
  const text = flock.status(0).checkpoint;
  assert.ok(isClosed || text !== null, 'two thirds of those who have worked stand behind a snapshot');
  const real = text === null ? { round, root, snapshot: root } : parseCheckpoint(text)!;
  assert.ok(honest.every((index) => flock.status(index).checkpoint === text));
  const blob = flock.member(0).store.get(baseKey(real.round))!;
  told = given(real);
  const forgery = new Forgery(run, 23);
  lie = handsOut ? hungUpon(real, blob, run) : (member, bytes) => forgery.answer(signerOf(member), bytes);
  for (const index of liars) flock.boot(index, isLiar);
  flock.boot(newcomer, isLiar);
  flock.runUntil(38 * slotMs);
  const isForged = (): boolean =>
    flock
      .core(newcomer)
      .model()
      .some((value) => Math.abs(value) > 50);
  /** What it holds once it has met the honest. */
  const met = (): { isForged: boolean; models: number } => {
    for (const index of honest) flock.connect(newcomer, index);
    flock.runUntil(120 * slotMs);
    const models = new Set([...honest, newcomer].map((index) => flock.status(index).modelHash)).size;
    return { isForged: isForged(), models };
  };
  return { flock, isForged, met };
}

describe('a newcomer of an open run that meets liars alone', () => {
  test('takes their state where it was told of no checkpoint', () => {
    assert.ok(misled(() => undefined, false).isForged());
  });

  for (const [name, isClosed] of [
    ['an open', false],
    ['a closed', true],
  ] as const) {
    test(`comes over to the honest from a state that hangs upon a true root, in ${name} run`, () => {
      const { isForged, met } = misled(() => undefined, true, isClosed);
      assert.ok(isForged(), 'it was not misled');
      assert.deepEqual(met(), { isForged: false, models: 1 });
    });
  }

  test('waits for its checkpoint, says so, and takes part once somebody has it', () => {
    const { flock, isForged, met } = misled((real) => real, false);
    const { length: told } = flock.member(newcomer).of('checkpoint-missing');
    assert.deepEqual([isForged(), told, flock.status(newcomer).phase], [false, 1, 'joining']);
    assert.equal(flock.member(newcomer).of('published').length, 0);
    assert.deepEqual(met(), { isForged: false, models: 1 });
  });

  test('refuses a forged chain that continues from the true root', () => {
    const { flock, isForged, met } = misled((real) => real, true);
    assert.ok(flock.member(newcomer).of('joined').length > 0, 'it has begun with the true state');
    assert.ok(!isForged());
    assert.deepEqual(met(), { isForged: false, models: 1 });
  });

  test('takes no state under a true root that is not the one named', () => {
    const swapped = (real: Checkpoint): Checkpoint => ({ ...real, snapshot: real.root });
    const { isForged, met } = misled(swapped, true);
    assert.ok(!isForged());
    assert.equal(met().isForged, false);
  });
});

test('a checkpoint is text that can be passed on, and nothing else is one', () => {
  const hash = 'ab'.repeat(32);
  const text = `19:${hash}:${hash}`;
  assert.equal(checkpointText(parseCheckpoint(text)!), text);
  for (const bad of [
    '',
    `19:${hash}`,
    `-1:${hash}:${hash}`,
    `${text}0`,
    `9999999999:${hash}:${hash}`,
    text.toUpperCase(),
  ])
    assert.equal(parseCheckpoint(bad), null, bad);
});
