/** What a model suggests to annotators, what of it they see, and what their answers say of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import { Suggestions } from '../../src/cli/parts/label/suggestions.ts';
import { featuresOf, wordColumns } from '../../src/cli/parts/label/word-counts.ts';
import { agreementOf } from '../../src/entries/labels/agreement.ts';
import { answersPerEntry, suggestionHash } from '../../src/entries/labels/answer-kind.ts';
import { projectOf } from '../../src/entries/labels/project.ts';
import { createEntryKind, entryKindSchema } from '../../src/entries/registry.ts';
import { FoldedKinds } from '../entries/folded-kinds.ts';
import { crypto, signerOf } from '../log/small-run.ts';

const model = '7f'.repeat(32);
const records = Array.from({ length: 2000 }, (_, at) => ({
  ...{ hash: at.toString(16).padStart(64, '0'), text: `visit ${at}`, other: null },
}));
const never = new AbortController().signal;

async function suggestionsFor(annotator: string): Promise<Suggestions> {
  let asked = 0;
  const suggestions = new Suggestions(
    {
      model,
      suggest: async (some) => {
        asked += some.length;
        return new Map(some.slice(1).map(({ hash }) => [hash, { value: 'good', probability: 0.7 }]));
      },
    },
    crypto,
  );
  await suggestions.learn(records, annotator, never);
  await suggestions.learn(records, annotator, never);
  assert.equal(asked, records.length, 'once of each');
  return suggestions;
}

describe('suggestions', () => {
  test('are hidden one time in ten, the same whenever one looks, and others for others', async () => {
    const hiddenFor = async (annotator: string): Promise<string[]> => {
      const suggestions = await suggestionsFor(annotator);
      return records.slice(1).flatMap(({ hash }) => (suggestions.shown(hash) === null ? [hash] : []));
    };
    const [ann, again, bob] = await Promise.all(['a', 'a', 'b'].map((one) => hiddenFor(one.repeat(64))));
    assert.ok(ann!.length > 150 && ann!.length < 250, `${ann!.length} of 1999`);
    assert.deepEqual(ann, again);
    assert.ok(bob!.filter((hash) => ann!.includes(hash)).length < 60);
  });

  test('are named by answers, also those that nobody saw', async () => {
    const suggestions = await suggestionsFor('a'.repeat(64));
    const [none, ...others] = records;
    assert.deepEqual([suggestions.said(none!.hash), suggestions.sureOf(none!.hash)], [null, null]);
    const said = others.map(({ hash }) => suggestions.said(hash)!);
    assert.ok(said.some(({ isShown }) => isShown) && said.some(({ isShown }) => !isShown));
    assert.equal(said[0]!.hash, suggestionHash(crypto, { model, record: others[0]!.hash, value: 'good' }));
  });
});

describe('answers that name what was suggested', () => {
  const question = { kind: 'choice', text: 'Good?', choices: ['good', 'bad'] };
  const record = (at: number): string => records[at]!.hash;
  const answered = (at: number, value: string, suggested: string | null, isShown = true) => ({
    ...{ record: record(at), value },
    suggestion:
      suggested === null
        ? null
        : { hash: suggestionHash(crypto, { model, record: record(at), value: suggested }), isShown },
  });

  test('tell how often they are that, where it was shown and where it was hidden', () => {
    const kinds = new FoldedKinds('labels', [{ id: 'batch' }, { id: 'answer', question }]);
    const answers = [
      ...[answered(0, 'good', 'good'), answered(1, 'good', 'bad'), answered(2, 'bad', 'bad')],
      ...[answered(3, 'bad', 'good', false), answered(4, 'good', 'good', false), answered(5, 'good', null)],
      { record: record(6), value: 'good' },
    ];
    kinds.foldRound(0, [{ author: 1, kind: 'answer', body: { model, answers } }]);
    const report = agreementOf(projectOf((id) => kinds.stateOf(id))!);
    const suggested = { shown: { count: 2, of: 3 }, hidden: { count: 1, of: 2 } };
    assert.deepEqual(report.suggested, suggested);
    assert.deepEqual(report.annotators[0], {
      ...{ author: signerOf(1).key, answers: 7, skipped: 0, medianMs: null, asLabelled: null },
      ...{ gold: { count: 0, of: 0 }, suggested, accuracy: null },
    });
  });

  test('name the model, and fit in an entry', () => {
    const kind = createEntryKind(entryKindSchema.parse({ id: 'answer', question }), {
      crypto,
      runId: 'labels',
    });
    const many = Array.from({ length: answersPerEntry }, (_, at) => ({
      ...answered(at, 'good', 'good'),
      ms: 604_800_000,
    }));
    const body = dagCbor.encode({ model, answers: many });
    assert.ok(kind.decode(body, []) !== null && body.length <= kind.bodyBytesMax, `${body.length}`);
    assert.equal(kind.decode(dagCbor.encode({ answers: many }), []), null);
    assert.ok(kind.decode(dagCbor.encode({ answers: [answered(0, 'good', null)] }), []) !== null);
  });
});

test('columns of counted words say how many there are', () => {
  assert.deepEqual(wordColumns(8).slice(0, 2), ['w0000of0008', 'w0001of0008']);
  assert.equal(new Set(wordColumns(4095)).size, 4095);
  assert.deepEqual(['w0007of0008', 'w0008of0008', 'w0001', 'age'].map(featuresOf), [8, null, null, null]);
});
