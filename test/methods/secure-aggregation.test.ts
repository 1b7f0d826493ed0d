/** Secure aggregation over a log that loses messages, among members that crash, are away, and come back with older disks. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decode } from '@ipld/dag-cbor';
import { bytesToHex } from '../../src/core/bytes.ts';
import { epochIn, type Step } from '../../src/entries/secure-sum/rules.ts';
import { stepOrder } from '../../src/entries/secure-sum/sum-kind.ts';
import { decodeHeader } from '../../src/log/envelope.ts';
import { createSecureLogParts } from '../../src/methods/secure-aggregation/log-parts.ts';
import { secureAggregationSchema } from '../../src/methods/secure-aggregation/schema.ts';
import { Flock, type FlockOptions, lossy, type Member } from '../log/flock.ts';
import { crypto, type RunChanges, signerOf, smallRun, smallVector } from '../log/small-run.ts';

const members = 6;
const keys = Array.from({ length: members }, (_, index) => signerOf(index).key);

function runOf(changes: RunChanges = {}): ReturnType<typeof smallRun> {
  return smallRun({
    rounds: 6,
    ...changes,
    strategy: { id: 'secure-aggregation', cycle: 2, range: 4, snapshotRounds: 4, ...changes.strategy },
    membership: { kind: 'allow-list', members: keys },
  });
}

function flockOf(options: Partial<FlockOptions> = {}, run = runOf()): Flock {
  return new Flock(run, { peers: members, seed: 'secure', ...options });
}

interface Announced {
  readonly step: Step;
  readonly epoch: number;
  readonly body: Uint8Array | null;
}

/** What a member has said in all its lives, without what it said again. */
function saidBy(flock: Flock, { announced }: Member): Announced[] {
  const { sumRules: rules } = partsOf(flock);
  const ids = new Set<string>();
  return announced.flatMap((bytes) => {
    const [header, , body] = decode<[Uint8Array, Uint8Array, Uint8Array | null]>(bytes);
    const id = bytesToHex(crypto.sha256(header));
    const { kind, round } = decodeHeader(header)!;
    const step = stepOrder[kind];
    if (ids.has(id) || step === undefined) return [];
    ids.add(id);
    return [{ step, epoch: epochIn(step, round, rules)!, body }];
  });
}

function partsOf({ run }: Flock): ReturnType<typeof createSecureLogParts> {
  const spec = secureAggregationSchema.parse(run.manifest.strategy);
  return createSecureLogParts(run.manifest, spec, run.runId, { crypto, initial: run.initial });
}

/** No step of an epoch was taken twice, no key shown twice, and of epochs whose keys were shown in an earlier life nothing more was said. */
function assertSaidOnce(flock: Flock, member: Member): void {
  const said = saidBy(flock, member);
  const taken = said.map(({ step, epoch }) => `${step} ${epoch}`);
  assert.equal(new Set(taken).size, taken.length);
  const shown = said.flatMap(({ step, body }) => (step === 'keys' ? [bytesToHex(body!.slice(0, 32))] : []));
  assert.equal(new Set(shown).size, shown.length);
}

function distance(flock: Flock, index: number): number {
  const target = smallVector(flock.run.initial.length, 'target');
  const model = flock.core(index).model();
  return Math.hypot(...model.map((value, i) => value - target[i]!)) / Math.sqrt(model.length);
}

describe('secure aggregation', () => {
  test('members come to one model, which all that they learned has moved', () => {
    const flock = flockOf();
    flock.bootAll();
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    const start = smallVector(flock.run.initial.length, 'initial', 0.5);
    const target = smallVector(start.length, 'target');
    const before = Math.hypot(...start.map((value, i) => value - target[i]!)) / Math.sqrt(start.length);
    assert.ok(distance(flock, 0) < 0.3 * before, `${distance(flock, 0)} of ${before}`);
    const { contributions, countedRounds, shown } = flock.status(0);
    assert.equal(countedRounds, 6);
    assert.deepEqual([...contributions.keys()].sort(), keys.toSorted());
    for (const { deltas } of contributions.values()) assert.equal(deltas, 6);
    assert.deepEqual(shown, []);
    for (const member of flock.members) {
      assertSaidOnce(flock, member);
      assert.equal(member.of('restored').length, 0);
    }
  });

  for (const seed of ['a', 'b', 'c']) {
    test(`one model where every sixth message is lost (${seed})`, () => {
      const flock = flockOf({ seed, drops: lossy(0.16, seed) });
      flock.bootAll();
      assert.ok(flock.finish());
      assert.equal(flock.hashes().length, 1);
      assert.ok(flock.status(0).contributions.size >= 4);
      for (const member of flock.members) assertSaidOnce(flock, member);
    });
  }

  for (const step of stepOrder) {
    test(`kill -9 in the moment of ${step}: the entry or nothing, no step twice, and one model in the end`, () => {
      const victim = 2;
      let killed = false;
      const { kinds } = partsOf(flockOf());
      const number = stepOrder.indexOf(step);
      assert.equal(kinds[number]!.id, step);
      for (const when of ['persist', 'announce'] as const) {
        killed = false;
        let kinded = 0;
        const flock = flockOf({
          survives: (index, output, nowMs) => {
            if (index !== victim || killed || nowMs < 1_000_000 + 9000) return true;
            if (output.type !== when) return true;
            const isOf =
              output.type === 'announce'
                ? decodeHeader(decode<[Uint8Array]>(output.bytes)[0])!.kind === number
                : output.writes.some(
                    ({ key, value }) =>
                      value !== null && key.startsWith('log/') && isOwn(value, keys[victim]!, number),
                  );
            kinded += isOf ? 1 : 0;
            killed = isOf;
            return !isOf;
          },
        });
        flock.bootAll();
        flock.runWhile(() => !killed, 40_000);
        assert.ok(killed && kinded === 1, `${when} ${step}`);
        flock.runUntil(flock.nowMs - 1_000_000 + 1200);
        flock.boot(victim);
        assert.ok(flock.finish());
        assert.equal(flock.hashes().length, 1, `${when} ${step}`);
        assertSaidOnce(flock, flock.member(victim));
        assert.deepEqual(flock.status(0).shown, []);
      }
    });
  }

  test('a directory put back from an older copy: no key is used again, and nobody equivocates', () => {
    const victim = 4;
    const flock = flockOf({}, runOf({ rounds: 10 }));
    flock.bootAll();
    flock.runUntil(9500);
    const older = new Map(flock.member(victim).store);
    flock.runUntil(14_500);
    flock.kill(victim);
    flock.member(victim).store.clear();
    for (const [key, value] of older) flock.member(victim).store.set(key, value);
    flock.boot(victim);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    assertSaidOnce(flock, flock.member(victim));
    for (const { events } of flock.members) assert.ok(events.every(({ kind }) => kind !== 'equivocation'));
    assert.deepEqual(flock.status(0).shown, []);
    const own = flock.status(0).contributions.get(keys[victim]!)!;
    assert.ok(own.deltas >= 2 && own.deltas < 10, String(own.deltas));
  });

  test('one is away from some vectors on: its secrets are opened by the others, and the sums go on', () => {
    const flock = flockOf();
    flock.bootAll();
    flock.runUntil(9300);
    flock.kill(5);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    const { contributions, countedRounds } = flock.status(0);
    assert.equal(countedRounds, 6);
    assert.ok(contributions.get(keys[5]!)!.deltas < 6);
    assert.equal(contributions.get(keys[0]!)!.deltas, 6);
  });

  test('with fewer than a threshold there is no sum: nothing is opened, and what was sent goes back', () => {
    const flock = flockOf({}, runOf({ rounds: 4 }));
    flock.bootAll();
    // Vectors are sent in the ninth round, and opened in the fifteenth.
    flock.runUntil(9300);
    for (const index of [3, 4, 5]) flock.kill(index);
    flock.runUntil(26_000);
    for (const index of [0, 1, 2]) {
      const member = flock.member(index);
      assert.ok(member.of('published').length > 0);
      assert.equal(member.of('restored').length, member.of('published').length);
      assert.ok(saidBy(flock, member).every(({ step }) => step !== 'open'));
      assert.equal(flock.status(index).contributions.size, 0);
      assert.match(member.of('skipped')[0]!.reason, /no sum|too late/);
    }
  });

  test('sums that were opened in vain, as three of six went away: nothing is opened before the last of them is back, then all goes on', () => {
    const flock = flockOf({}, runOf({ rounds: 24 }));
    flock.bootAll();
    // The first vectors, all six of them, are opened in the fifteenth round.
    flock.runUntil(13_900);
    for (const index of [3, 4, 5]) flock.kill(index);
    flock.runUntil(18_000);
    for (const index of [3, 4]) flock.boot(index);
    const standsStill = (): boolean =>
      flock.status(0).shown.some(({ text }) => text.startsWith('sums stand still'));
    flock.runWhile(() => !standsStill(), 60_000);
    assert.match(flock.status(0).shown[0]!.text, new RegExp(`${keys[5]!.slice(0, 8)} missing since epoch`));
    assert.equal(flock.status(0).contributions.size, 0);
    flock.boot(5);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    assert.ok(!standsStill());
    const { contributions } = flock.status(0);
    assert.deepEqual([...contributions.keys()].sort(), keys.toSorted());
  });

  test('who sleeps through the opening learns what became of its vector, and pays for it once', () => {
    const flock = flockOf();
    flock.bootAll();
    flock.runUntil(10_300);
    flock.kill(1);
    flock.runUntil(17_300);
    flock.boot(1);
    assert.ok(flock.finish());
    assert.equal(flock.hashes().length, 1);
    const paid = [...flock.member(1).store.keys()].filter((key) => key.startsWith('self/paid/'));
    const returned = flock.member(1).of('restored').length;
    const { deltas } = flock.status(0).contributions.get(keys[1]!)!;
    assert.equal(
      deltas + returned,
      flock.member(1).of('published').length,
      `${deltas} and ${returned}, ${paid}`,
    );
  });
});

function isOwn(stored: Uint8Array, author: string, kind: number): boolean {
  const [header] = decode<[Uint8Array]>(stored);
  const fields = decodeHeader(header)!;
  return fields.author === author && fields.kind === kind;
}
