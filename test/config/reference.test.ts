import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as z from 'zod';
import { configReference } from '../../scripts/config-reference.ts';
import { renderReference } from '../../src/config/reference.ts';

test('docs/CONFIG.md is what the schemas say', () => {
  const written = readFileSync(new URL('../../docs/CONFIG.md', import.meta.url), 'utf8');
  assert.ok(written === configReference(), 'docs/CONFIG.md is out of date: run `npm run docs:config`');
});

test('shows type, range, default and meaning of every field, and each form of a union', () => {
  const schema = z.strictObject({
    size: z.int().min(1).max(9).default(3).describe('how big; a|b'),
    rate: z.number().positive().nullable().default(null),
    shape: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('dot') }),
      z.strictObject({ kind: z.literal('box'), sides: z.array(z.int()).min(1) }),
    ]),
  });
  const text = renderReference([{ title: 'Things', introduction: 'All of them.', schema }]);
  assert.equal(
    text.slice(text.indexOf('## Things')),
    `## Things

All of them.

| field | type | range | default | meaning |
|---|---|---|---|---|
| \`size\` | whole number | 1 to 9 | \`3\` | how big; a\\|b |
| \`rate\` | number or null | above 0 | \`null\` |  |
| \`shape\` | object with \`kind\` \`"dot"\` or \`"box"\` |  | required |  |

### \`shape\` with \`kind: dot\`

No further fields.

### \`shape\` with \`kind: box\`

| field | type | range | default | meaning |
|---|---|---|---|---|
| \`sides\` | list of whole number | at least 1 entries; each at least -9007199254740991 | required |  |
`,
  );
});

test('leaves out what another section describes', () => {
  const schema = z.strictObject({ run: z.strictObject({ deep: z.string() }) });
  const text = renderReference([{ title: 'T', introduction: 'I', schema, describedAbove: ['run'] }]);
  assert.ok(text.includes('| `run` | object |'));
  assert.ok(!text.includes('deep'));
});
