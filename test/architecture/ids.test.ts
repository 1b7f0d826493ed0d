/** Nobody asks for the id of what is registered: what differs is said by the descriptors. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageAttacks } from '../../sim/adversaries/registry.ts';
import { compressors } from '../../src/codec/compressors/registry.ts';
import { entryKinds } from '../../src/entries/registry.ts';
import { rewardPolicies } from '../../src/ledger/reward-policies.ts';
import { aggregators } from '../../src/methods/aggregators/registry.ts';
import { attacks } from '../../src/methods/attacks/registry.ts';
import { methods } from '../../src/methods/registry.ts';
import { topologies } from '../../src/methods/topologies/registry.ts';
import { readSources, type SourceFile, withoutComments } from './source-tree.ts';

const registries = [
  compressors,
  aggregators,
  topologies,
  attacks,
  methods,
  messageAttacks,
  entryKinds,
  rewardPolicies,
];
const ids = registries.flatMap((things) => things.map(({ id }) => id)).join('|');
/** `spec.id === 'choco'`, `switch (spec.id)`, `Extract<MethodSpec, { id: 'sgp' }>`. */
const patterns = [
  new RegExp(`\\bid\\)? (?:===|!==) '(?:${ids})'`),
  /includes\((?:\w+\.)*(?:spec|strategy|method|topology|codec|aggregator|behaviour|kind)\.id\)/,
  /\bswitch \((?:\w+\.)*id\)/,
  new RegExp(`\\b(?:Extract|Exclude)<\\w+, \\{[^}]*'(?:${ids})'`),
];
/** What the things of one file have in common may ask which of them it is. */
const ownFolder = /^src\/(codec\/compressors|methods\/(aggregators|topologies|attacks))\//;

function askers(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !ownFolder.test(path))
    .flatMap(({ path, text }) =>
      withoutComments(text)
        .split('\n')
        .flatMap((line, index) =>
          patterns.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
        ),
    );
}

test('no code of src or sim asks for the id of a method, topology, aggregator, compressor, attack or kind of entry', () => {
  assert.deepEqual(
    askers(readSources('src', 'sim')),
    [],
    'give the descriptor of its kind the property that is asked for: docs/EXTENDING.md',
  );
  const planted = [
    "if (strategy.id === 'delta-log') {}",
    "return id !== 'choco' && true;",
    'switch (spec.id) {',
    'if (moving.includes(spec.id)) {}',
    "type Log = Extract<MethodSpec, { id: 'delta-log' }>;",
  ];
  assert.equal(askers(planted.map((text) => ({ path: 'src/x.ts', text }))).length, planted.length);
});
