/** What protects a run where its file says nothing of it, and what people are told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deltasOf } from '../../src/methods/registry.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import { factsOf } from '../../src/node/run-facts.ts';
import { openManifest } from '../../src/run/manifest.ts';
import { protectionsOf, withProtection } from '../../src/run/protection.ts';
import { impossibleCombination, missingRoster, runSpecSchema } from '../../src/run/run-spec.ts';
import { crypto, signerOf } from '../log/small-run.ts';

const specOf = (more: object = {}) =>
  runSpecSchema.parse({
    name: 'small',
    model: { kind: 'logistic-regression', inputs: 4, outputs: 2 },
    task: { kind: 'idx-images' },
    ...{ rounds: 4, slotMs: 100 },
    ...more,
  });
const strangers = { hasEvaluation: false, isOneHand: false };
const judgingIn = (more: object, company = strangers) =>
  deltasOf(withProtection(specOf(more), company).strategy)?.judging;
const shard = { holder: signerOf(0).key, root: 'ab'.repeat(32), bytes: 4000, examples: 64 };
/** What kinds of entry need to be told. */
const fieldsOf: Readonly<Record<string, object>> = {
  submission: { untilRound: 9 },
  commit: { untilRound: 19, shards: [shard] },
  reveal: { untilRound: 29 },
  recount: { untilRound: 39 },
};
const members = { kind: 'allow-list', members: [signerOf(0).key] };

describe('a run whose file says nothing of judging', () => {
  test('is judged by scores where it names public examples, whoever may take part', () => {
    const company = { hasEvaluation: true, isOneHand: false };
    for (const more of [{}, { membership: members }]) assert.equal(judgingIn(more, company)?.id, 'scores');
    assert.equal(judgingIn({}, { hasEvaluation: true, isOneHand: true })?.id, 'scores');
  });

  test('is judged by votes where strangers may take part, and else by nobody', () => {
    assert.equal(judgingIn({})?.id, 'votes');
    assert.equal(judgingIn({ membership: members }), undefined);
    assert.equal(judgingIn({}, { hasEvaluation: false, isOneHand: true }), undefined);
    assert.equal(judgingIn({ strategy: { id: 'diloco' } }), undefined);
  });

  test('is what it says where it says something, nobody included', () => {
    const strategy = (judging: unknown) => ({ strategy: { id: 'delta-log', judging } });
    assert.equal(judgingIn(strategy(null)), null);
    assert.equal(judgingIn(strategy({ id: 'scores' }))?.id, 'scores');
  });

  test('says what protects it', () => {
    const told = (more: object) => protectionsOf(withProtection(specOf(more), strangers)).join('\n');
    assert.match(told({}), /anybody may take part.*8 rounds.*votes of those who trained/s);
    assert.match(told({ strategy: { id: 'delta-log', judging: null } }), /nobody judges/);
    assert.match(told({}), /clipped to 3 times the median of a round \(clipFactor: 1 holds more/);
    assert.match(
      told({ strategy: { id: 'delta-log', clipFactor: 1 } }),
      /clipped to the median of a round, and/,
    );
    assert.match(told({ membership: members }), /only the 1 keys.*nobody judges/s);
    assert.deepEqual(protectionsOf(specOf({ strategy: { id: 'diloco' } })), []);
  });
});

test('what shares in a model are parts of follows from who sees deltas', () => {
  const shareOf = (more: object) => {
    const { bytes } = createRun(specOf(more), 1_000, crypto, signerOf(0));
    return factsOf(openManifest(bytes, crypto).manifest).shareOf;
  };
  const four = { kind: 'allow-list', members: [0, 1, 2, 3].map((index) => signerOf(index).key) };
  assert.equal(shareOf({}), 'norm');
  assert.equal(shareOf({ strategy: { id: 'secure-aggregation' }, membership: four }), 'sums');
  assert.equal(shareOf({ strategy: { id: 'epidemic' } }), 'rounds');
});

test('votes need no model of ours; scores do, and say so', () => {
  const hash = '5a'.repeat(32);
  const model = { kind: 'external', parameters: 64, initHash: hash, describe: hash };
  const task = { kind: 'external' };
  const judged = (id: string) =>
    impossibleCombination(specOf({ model, task, strategy: { id: 'delta-log', judging: { id } } }));
  assert.equal(judged('votes'), null);
  assert.match(judged('scores')!.message, /a trainer alone can compute .* votes need none/);
});

describe('secure aggregation', () => {
  const named = (count: number) => ({
    kind: 'allow-list',
    members: Array.from({ length: count }, (_, index) => signerOf(index).key),
  });
  const secure = (more: object, membership: object = named(8)) =>
    specOf({ strategy: { id: 'secure-aggregation', ...more }, membership });

  test('says what of it protects, and what it does not', () => {
    const told = protectionsOf(secure({})).join('\n');
    assert.match(told, /only the 8 keys.*not 2 that lie together.*2 may be away.*who does harm/s);
  });

  test('what needs to see single deltas is refused with the reason', () => {
    for (const [field, value, reason] of [
      ['judging', { id: 'votes' }, /score or vote on deltas that nobody sees/],
      ['audits', { rate: 0.1 }, /train a delta again/],
      ['alliance', {}, /not built yet/],
      ['clipFactor', 3, /clip deltas that nobody sees.*range/],
      ['normMax', 1, /clip deltas that nobody sees.*range/],
    ] as const)
      assert.throws(() => secure({ [field]: value }), reason);
  });

  test('is for members who are named, four or more, and thresholds that hide', () => {
    assert.equal(impossibleCombination(secure({})), null);
    assert.match(
      missingRoster(secure({}, { kind: 'open' }))!,
      /^strategy secure-aggregation needs membership of kind allow-list/,
    );
    const refused = (more: object, members = 8) =>
      impossibleCombination(secure(more, named(members)))?.message ?? '';
    assert.match(refused({}, 3), /4 members or more, and there are 3/);
    assert.match(refused({ corrupt: 2, threshold: 5 }), /both secrets/);
    assert.match(refused({ corrupt: 6, threshold: 6 }), /open every vector alone/);
    assert.match(refused({ threshold: 9 }), /at most the members/);
    assert.match(refused({ windowRounds: 3, admitRounds: 3 }), /below windowRounds/);
  });
});

test('kinds of which no answer has room for a round are refused before the run is signed', () => {
  const sign = (more: object) => createRun(specOf(more), 1_000, crypto, signerOf(0));
  const written = ['publish', 'retire', 'feedback', 'usage', 'submission', 'commit', 'reveal', 'recount'];
  const kinds = written.map((id) => ({ id, ...fieldsOf[id] }));
  const nothing = { model: { kind: 'nothing' }, task: { kind: 'nothing' }, rounds: 2147483647 };
  assert.throws(
    () => sign({ ...nothing, strategy: { id: 'log', kinds } }),
    /the kinds of the run may have 680 entries in a round together, and an answer has room for 640/,
  );
  assert.ok(sign({ ...nothing, strategy: { id: 'log', kinds: kinds.slice(0, 7) } }));
  assert.throws(() => sign({ strategy: { id: 'delta-log', kinds } }), /entries in a round together/);
  assert.ok(sign({ strategy: { id: 'delta-log', kinds: kinds.slice(0, 4) } }));
  const four = { kind: 'allow-list', members: [0, 1, 2, 3].map((index) => signerOf(index).key) };
  const secure = (of: readonly object[]) =>
    sign({ strategy: { id: 'secure-aggregation', kinds: of }, membership: four });
  assert.throws(() => secure(kinds), /entries in a round together/);
  assert.ok(secure(kinds.slice(0, 4)));
});
