import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { modelCard, type Origin } from '../../src/learning/model-files/model-card.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

const model: ModelSpec = { kind: 'mlp', inputs: 6, hidden: [5], outputs: 2 };
const nothing: Origin = {
  name: null,
  runId: null,
  round: null,
  method: null,
  modelHash: null,
  measured: null,
  authors: [],
};
const parts = { model, task: null, classes: [], format: 'onnx', use: ['one', 'two'] };

describe('a model card', () => {
  test('says what is known, and nothing of what is not', () => {
    const card = modelCard({ ...parts, origin: nothing });
    assert.match(card, /^# mlp\n/);
    assert.match(card, /\| model \| mlp, 47 parameters, as onnx \|/);
    assert.match(card, /```\none\ntwo\n```/);
    assert.doesNotMatch(card, /null|undefined|Who trained|measured \|/);
    const measured = {
      accuracy: 0.875,
      loss: 0.5,
      examples: 80,
      alone: { id: 'accuracy', value: 0.75, better: 'higher' as const, unit: '%' },
      majority: { label: 1, share: 0.6 },
    };
    const authors = Array.from({ length: 70 }, (_, index) => ({
      key: `k${index}`,
      name: null,
      deltas: 2,
      share: 0.01,
    }));
    const known = modelCard({
      ...parts,
      task: { kind: 'idx-images' },
      classes: ['ill', 'well'],
      origin: { ...nothing, runId: 'baf', measured, authors },
    });
    assert.match(
      known,
      /accuracy 87\.50 %, loss 0\.5000 on 80 held-out answers; always well: 60\.00 %; trained alone on the same node 75\.00 %/,
    );
    assert.match(known, /\| classes \| ill, well \|/);
    assert.match(known, /\| {2}\| `k63` \| 2 \| 1\.0 % \|\nand 6 more\n/);
  });

  test('writes what strangers chose as text', () => {
    const name = 'a|b [x](https://example.org) <script>`\n# c';
    const origin: Origin = { ...nothing, name, authors: [{ key: 'k', name, deltas: 1, share: 1 }] };
    const card = modelCard({ ...parts, classes: [name], origin });
    assert.equal(card.split('\n').filter((line) => line.startsWith('#')).length, 3);
    assert.doesNotMatch(card, /(^|[^\\])<script|(^|[^\\])\[x/m);
    for (const row of card.split('\n').filter((line) => line.startsWith('| a'))) {
      assert.equal(row.replaceAll('\\|', '').split('|').length, 6);
    }
  });
});
