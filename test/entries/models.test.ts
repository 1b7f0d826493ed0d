/** What counts of what members write into a registry of models, and what does not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import { catalogueOf, modelNamed } from '../../src/entries/models/catalogue.ts';
import { type Publication, publicationSchema } from '../../src/entries/models/publication.ts';
import { titleOf } from '../../src/entries/record-kind.ts';
import {
  composeEntry,
  createEntryKind,
  entryKindSchema,
  impossibleKinds,
} from '../../src/entries/registry.ts';
import type { EntryKind } from '../../src/log/entry-kind.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { FoldedKinds, type Wrote } from './folded-kinds.ts';

const context = { crypto, runId: 'registry' };
const specs = [
  { id: 'publish', cardBytesMax: 64, kept: 5, perAuthor: 2 },
  { id: 'retire' },
  { id: 'feedback', kept: 2 },
  { id: 'usage' },
];

/** A log of rounds, folded as a node folds it. */
class Registry {
  readonly #folded = new FoldedKinds(context.runId, specs);
  readonly kinds = this.#folded.kinds;
  readonly states = this.#folded.states;
  #round = 0;

  fold(wrote: readonly Wrote[], root?: Uint8Array): this {
    this.#folded.foldRound(this.#round++, wrote, root);
    return this;
  }

  uncounted(wrote: Wrote): string | null {
    return this.#folded.uncounted(this.#round, wrote);
  }

  stateOf(id: string): unknown {
    return this.#folded.stateOf(id);
  }

  get catalogue() {
    return catalogueOf((id) => this.stateOf(id))!;
  }

  get titles(): string[] {
    return this.catalogue.models.map(({ publication }) => titleOf(publication));
  }
}

const some: Publication = {
  ...{ name: 'digits', version: '1', root: '5a'.repeat(32), bytes: 1000, kind: 'mlp', task: 'idx-images' },
  ...{ licence: 'MIT', metrics: [], lineage: {}, card: '' },
};
const publish = (author: number, fields: Partial<Publication> = {}): Wrote => ({
  author,
  kind: 'publish',
  body: { ...some, ...fields },
});
const about = { name: 'digits', version: '1' };

describe('a registry', () => {
  test('gives a name to the key that published it first, and a version to nobody twice', () => {
    const registry = new Registry()
      .fold([publish(0)])
      .fold([publish(1, { version: '2' })])
      .fold([publish(0)])
      .fold([publish(0, { version: '2' })])
      .fold([publish(1, { name: 'letters' })]);
    assert.deepEqual(registry.titles, ['digits@1', 'digits@2', 'letters@1']);
    assert.deepEqual(registry.catalogue.refusedCounts, {
      'name of another key': 1,
      'version is published': 1,
    });
    assert.deepEqual(
      registry.catalogue.refused.map(({ author, what }) => [author, what]),
      [
        [signerOf(1).key, 'digits@2'],
        [signerOf(0).key, 'digits@1'],
      ],
    );
  });

  test('draws who is first of those who want a name in one round, whatever their keys', () => {
    const first = new Set<string>();
    for (let root = 0; root < 256; root++) {
      const registry = new Registry().fold([publish(0), publish(1)], new Uint8Array(32).fill(root));
      const [only, ...others] = registry.catalogue.models;
      assert.deepEqual(others, []);
      first.add(only!.author);
    }
    assert.equal(first.size, 2);
  });

  test('gives nobody a better lot for asking for a name more often', () => {
    const often = Array.from({ length: 8 }, (_, at) => publish(1, { version: `${at}` }));
    let once = 0;
    for (let root = 0; root < 200; root++) {
      const registry = new Registry().fold(
        [publish(0), ...often],
        Uint8Array.from(crypto.sha256(Uint8Array.of(root))),
      );
      if (registry.catalogue.models[0]!.author === signerOf(0).key) once += 1;
    }
    assert.ok(Math.abs(once - 100) < 3 * Math.sqrt(50), `${once} of 200`);
  });

  test('holds so many models, and so many of one key', () => {
    const names = ['a', 'b', 'c'];
    const registry = new Registry();
    for (const author of [0, 1, 2]) {
      for (const name of names) registry.fold([publish(author, { name: `${name}${author}` })]);
    }
    assert.deepEqual(registry.titles, ['a0@1', 'b0@1', 'a1@1', 'b1@1', 'a2@1']);
    assert.deepEqual(registry.catalogue.refusedCounts, { 'too many of one key': 2, 'registry is full': 2 });
  });

  test('lets authors alone retire, and still finds what is retired', () => {
    const retire = (author: number, body: object = { ...about, reason: 'better' }): Wrote => ({
      author,
      kind: 'retire',
      body,
    });
    const registry = new Registry()
      .fold([publish(0)])
      .fold([retire(1)])
      .fold([retire(0, { name: 'none', version: '1', reason: 'better' })]);
    assert.equal(registry.catalogue.models[0]!.retired, null);
    registry.fold([publish(0, { version: '2' }), retire(0)]).fold([retire(0)]);
    assert.equal(registry.catalogue.models[0]!.retired, 'better');
    assert.deepEqual(registry.catalogue.refusedCounts, {
      'not its author': 1,
      'not published': 1,
      retired: 1,
    });
    const named = (text: string) => modelNamed(registry.catalogue, text)?.publication.version;
    assert.deepEqual(
      [named('digits'), named('digits@1'), named('digits@3'), named('none')],
      ['2', '1', undefined, undefined],
    );
  });

  test("counts the last word of each member, and nobody's on a model of its own", () => {
    const feedback = (author: number, rating: number, text?: string): Wrote => ({
      author,
      kind: 'feedback',
      body: { ...about, rating, ...(text === undefined ? {} : { text }) },
    });
    const registry = new Registry()
      .fold([publish(0)])
      .fold([feedback(1, 5), feedback(2, 4, 'good'), feedback(0, 5)])
      .fold([feedback(1, 1), feedback(3, 5)]);
    const { ratings } = registry.catalogue.models[0]!;
    assert.deepEqual([ratings.count, ratings.mean], [2, 2.5]);
    assert.deepEqual(registry.catalogue.refusedCounts, { 'its own author': 1, 'no room': 1 });
    const usage = (units: number): Wrote => ({
      author: 4,
      kind: 'usage',
      body: { ...about, requests: 1, units },
    });
    registry.fold([usage(10)]).fold([usage(5)]);
    assert.deepEqual(registry.catalogue.models[0]!.usage, { members: 1, requests: 2, units: 15 });
  });

  test('lets no key take the room of others, and says beforehand what would not count', () => {
    const registry = new Registry().fold([publish(0), publish(5, { name: 'letters' })]);
    const rate = (author: number, name: string): Wrote => ({
      author,
      kind: 'feedback',
      body: { name, version: '1', rating: 3 },
    });
    const limited = createEntryKind(entryKindSchema.parse({ id: 'feedback', perAuthor: 1 }), context);
    const at = registry.kinds.findIndex(({ id }) => id === 'feedback');
    (registry.kinds as EntryKind[])[at] = limited;
    registry.fold([rate(1, 'digits')]).fold([rate(1, 'letters'), rate(2, 'letters')]);
    assert.deepEqual(registry.catalogue.refusedCounts, { 'too many of one key': 1 });
    registry.fold([rate(1, 'digits')]);
    assert.deepEqual(
      registry.catalogue.models.map(({ ratings }) => ratings.count),
      [1, 1],
      'the last word of a key takes no more room',
    );
    const before = registry.kinds.map((kind, index) => kind.encode(registry.states[index]));
    assert.equal(registry.uncounted(publish(1)), 'name of another key');
    assert.equal(registry.uncounted(publish(0)), 'version is published');
    assert.equal(registry.uncounted(publish(0, { version: '2' })), null);
    assert.equal(registry.uncounted(rate(0, 'digits')), 'its own author');
    assert.equal(registry.uncounted(rate(2, 'digits')), 'too many of one key');
    const after = registry.kinds.map((kind, index) => kind.encode(registry.states[index]));
    assert.deepEqual(after, before, 'asking changes nothing');
  });

  test('comes to the same bytes again from its states', () => {
    const registry = new Registry().fold([publish(0), publish(1)]).fold([publish(2)]);
    for (const [index, kind] of registry.kinds.entries()) {
      const bytes = kind.encode(registry.states[index]);
      assert.deepEqual(kind.encode(kind.decodeState(bytes)), bytes);
    }
  });
});

describe('a publication', () => {
  const said = (fields: object): string => {
    const body = composeEntry('publish', JSON.stringify({ ...some, ...fields }));
    return 'refused' in body ? body.refused : '';
  };

  test('has a card that runs nothing, wherever it is shown', () => {
    for (const card of [
      '',
      '# A\n\n- 2 < 3, a<=b\n- [page](https://example.org/x?a=b&c=d)\n\n\t`x`',
      'schön 🐦',
    ])
      assert.equal(said({ card }), '', card);
    const wrong = [
      '<script>alert(1)</script>',
      'a <img src=x onerror=alert(1)>',
      '<!-- hidden -->',
      '</p>',
      '[x](javascript:alert(1))',
      '[x]( JaVa\tScRiPt:alert(1))',
      '[x](java\nscript:alert(1))',
      '[x](javascript&colon;alert(1))',
      '[x](&#106;avascript:alert(1))',
      '[x](data:text/html;base64,AAAA)',
      '[x](vbscript:x)',
      '\u001b[2J',
      'a\u202eb',
    ];
    for (const card of wrong) assert.match(said({ card }), /^card: must /, card);
    assert.match(said({ card: 'a'.repeat(16 * 1024 + 1) }), /^card: must have at most 16384 bytes$/);
    const kind = createEntryKind(entryKindSchema.parse(specs[0]), context);
    const body = (card: string) => dagCbor.encode({ ...some, card });
    assert.ok(kind.decode(body('a'.repeat(64)), []));
    assert.equal(kind.decode(body('a'.repeat(65)), []), null);
    assert.equal(kind.decode(body('<script>'), []), null, 'and peers do not take one from another program');
  });

  test('says what it is in words that can be shown', () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ name: 'Digits' }, /^name: /],
      [{ name: '../x' }, /^name: /],
      [{ version: '1\n2' }, /^version: /],
      [{ root: '5a' }, /^root: /],
      [{ bytes: 2 ** 30 + 1 }, /^bytes: /],
      [{ licence: '<MIT>' }, /^licence: /],
      [{ metrics: [{ name: 'accuracy', value: 'high', data: 'x' }] }, /^metrics\.0\.value: /],
      [{ metrics: [{ name: 'accuracy', value: 1, data: 'a\u001b[31m' }] }, /^metrics\.0\.data: /],
      [{ lineage: { run: { id: 'bafy', round: -1 } } }, /^lineage\.run\.round: /],
      [{ more: 1 }, /more/],
    ];
    for (const [fields, refused] of wrong) assert.match(said(fields), refused);
    assert.deepEqual(publicationSchema.parse(some), some);
  });
});

test('kinds that go by others stand behind them', () => {
  const message = (...ids: string[]) => impossibleKinds(ids.map((id) => entryKindSchema.parse({ id })));
  assert.equal(message('note', 'publish', 'retire'), null);
  assert.equal(message('retire', 'publish'), 'must name publish before retire, which goes by it');
  assert.equal(message('feedback'), 'must name publish before feedback, which goes by it');
  assert.equal(message('note', 'note'), 'must name each kind once');
});
