/** What holds of everything that is registered: one id, a schema that takes its examples and nothing else, and a run to name it in. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { behaviourSchema, messageAttacks } from '../../sim/adversaries/registry.ts';
import { compressorSchema, compressors } from '../../src/codec/compressors/registry.ts';
import { aggregatorSchema, aggregators } from '../../src/methods/aggregators/registry.ts';
import { attacks } from '../../src/methods/attacks/registry.ts';
import { methodOf, methodSchema, methods, trains } from '../../src/methods/registry.ts';
import { topologies, topologySchema } from '../../src/methods/topologies/registry.ts';
import type { Described } from '../../src/registry/registry.ts';
import { openManifest, signManifest } from '../../src/run/manifest.ts';
import { impossibleCombination, missingRoster, runSpecSchema } from '../../src/run/run-spec.ts';
import { crypto, signerOf } from '../log/small-run.ts';

const registries: ReadonlyArray<
  readonly [kind: string, things: readonly Described[], schema: { parse(spec: unknown): unknown }]
> = [
  ['compressor', compressors, compressorSchema],
  ['aggregator', aggregators, aggregatorSchema],
  ['topology', topologies, topologySchema],
  ['attack', attacks, behaviourSchema],
  ['method', methods, methodSchema],
  ['message attack', messageAttacks, behaviourSchema],
];

for (const [kind, things, schema] of registries) {
  describe(`registry: ${kind}`, () => {
    test('ids are words, each for one thing', () => {
      const ids = things.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      for (const id of ids) assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    });

    for (const { id, schema: own, examples } of things) {
      test(`${id}: its schema takes its examples under its id, and no other field`, () => {
        assert.ok(examples.length > 0, 'an example for the contract suites');
        for (const example of examples) {
          const spec = own.parse(example);
          assert.equal(spec['id'], id);
          assert.deepEqual(schema.parse(example), spec, 'so does that of its registry');
          assert.deepEqual(own.parse(spec), spec, 'what was read is read again as itself');
          assert.throws(() => own.parse({ ...example, somethingElse: 1 }), /somethingElse/);
          assert.throws(() => own.parse({ ...example, id: 'another' }));
        }
      });

      test(`${id}: every field says what it means`, () => {
        for (const [name, field] of Object.entries(own.shape)) {
          if (name === 'id') continue;
          assert.ok((field as { description?: string }).description, `${name} has no .describe()`);
        }
      });
    }
  });
}

describe('runs that name each method', () => {
  for (const { id, examples } of methods) {
    test(`${id}: the manifest comes back as it was signed`, () => {
      for (const example of examples) {
        const strategy = methodSchema.parse(example);
        const members = Array.from({ length: 16 }, (_, index) => signerOf(index).key);
        const run = runSpecSchema.parse({
          name: 'registered',
          ...(trains(strategy)
            ? { model: { kind: 'logistic-regression', inputs: 30, outputs: 2 }, task: { kind: 'idx-images' } }
            : { model: { kind: 'nothing' }, task: { kind: 'nothing' } }),
          strategy,
          rounds: 3,
          slotMs: 1000,
          membership: { kind: 'allow-list', members },
        });
        assert.equal(impossibleCombination(run), null);
        const open = { ...run, membership: { kind: 'open' as const } };
        assert.equal(missingRoster(open) !== null, methodOf(strategy).needsRoster(strategy));
        const fields = { ...run, startAtMs: 1, initHash: '0'.repeat(64) };
        const signed = signManifest(fields, crypto, signerOf(0));
        assert.deepEqual(openManifest(signed.bytes, crypto, signed.runId).manifest.strategy, strategy);
      }
    });
  }
});
