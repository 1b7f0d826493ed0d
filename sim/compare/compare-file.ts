/** A comparison: strategies by topologies by codecs by data splits by seeds, all in one world. */
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { compressorSchema } from '../../src/codec/compressors/registry.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadRunSpec } from '../../src/config/run-file.ts';
import { loadYamlFile } from '../../src/config/yaml-file.ts';
import { methodSchema } from '../../src/methods/registry.ts';
import { topologySchema } from '../../src/methods/topologies/registry.ts';
import type { RunSpec } from '../../src/run/run-spec.ts';
import {
  impossibleScenario,
  resolveScenario,
  type Scenario,
  scenarioFileSchema,
} from '../scenario/scenario.ts';

const seed = z.int().min(0).max(0xffff_ffff);

export const compareFileSchema = z.strictObject({
  scenario: scenarioFileSchema.describe(
    'the world that all of them live in; its strategy and seed are replaced',
  ),
  strategies: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(60).optional().describe('in the table; the id where not given'),
        strategy: methodSchema,
        training: z
          .strictObject({
            learningRate: z.number().positive().max(10).optional(),
            localSteps: z.int().min(1).max(100_000).optional(),
          })
          .prefault({})
          .describe('what this one was tuned to'),
        rounds: z
          .int()
          .min(1)
          .max(1_000_000)
          .optional()
          .describe('in place of those of the scenario, so that rows of other `localSteps` train as much'),
        churn: scenarioFileSchema.shape.churnModel.describe('in place of that of the scenario'),
      }),
    )
    .min(1)
    .max(100)
    .describe('rows of the table'),
  adversaries: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(60).describe('in the table'),
        adversaries: scenarioFileSchema.shape.adversaries,
        baseline: z
          .string()
          .optional()
          .describe('name of another of these, whose loss its own is compared with, seed by seed'),
      }),
    )
    .max(100)
    .default([])
    .describe('each strategy is run among all of these in place of those of the scenario'),
  topologies: z
    .array(topologySchema)
    .max(20)
    .default([])
    .describe('each strategy that takes one is run on all of these in place of its own'),
  codecs: z
    .array(compressorSchema)
    .max(20)
    .default([])
    .describe('each strategy is run with all of these in place of its own'),
  dirichletAlphas: z
    .array(z.number().positive().max(1e6))
    .max(20)
    .default([])
    .describe('label skews; that of the scenario where there are none'),
  seeds: z.array(seed).min(1).max(100).default([1, 2, 3, 4, 5]).describe('of each row'),
  measurements: z
    .int()
    .min(1)
    .max(200)
    .default(25)
    .describe('rounds in which a model is evaluated for the curves and the target'),
  target: z
    .strictObject({
      accuracy: z.number().positive().max(1).optional(),
      loss: z.number().positive().optional(),
    })
    .prefault({})
    .describe('what rounds and bytes are counted up to'),
});
export type CompareFile = z.infer<typeof compareFileSchema>;

/** One row: what is run with every seed. */
export interface Variant {
  readonly name: string;
  readonly strategy: string;
  readonly topology: string;
  readonly codec: string;
  readonly alpha: number;
  /** Name of the variant whose loss its own is compared with. */
  readonly baseline: string | null;
  readonly scenarios: readonly Scenario[];
}

export interface Comparison {
  readonly variants: readonly Variant[];
  /** Combinations that cannot be, with the reason. */
  readonly left: readonly { readonly name: string; readonly reason: string }[];
  readonly target: CompareFile['target'];
  readonly measurements: number;
}

/** @throws ConfigError with file, line and what was expected */
export async function loadComparison(file: string): Promise<Comparison> {
  const content = await loadYamlFile(file, compareFileSchema, ({ scenario }) => {
    const impossible = impossibleScenario(scenario);
    return impossible && { ...impossible, path: ['scenario', ...impossible.path] };
  });
  const { runFile } = content.scenario;
  const named = runFile === undefined ? undefined : await loadRunSpec(resolve(dirname(file), runFile));
  return expand(content, named, file);
}

type Entry = CompareFile['strategies'][number];
type Strategy = RunSpec['strategy'];

/** All combinations. @throws ConfigError where not a single one can be run */
export function expand(content: CompareFile, named: RunSpec | undefined, file: string): Comparison {
  const { strategies, dirichletAlphas, seeds, target, measurements } = content;
  const variants: Variant[] = [];
  const left: { name: string; reason: string }[] = [];
  const alphas = dirichletAlphas.length > 0 ? dirichletAlphas : [content.scenario.data.dirichletAlpha];
  for (const { among, scenario, baseline } of worldsOf(content, file)) {
    for (const [entry, strategy] of strategies.flatMap((one) =>
      combinations(one, content).map((combined) => [one, combined] as const),
    )) {
      for (const alpha of alphas) {
        const labels = labelsOf(strategy);
        const own = entry.name ? [] : [labels.topology, labels.codec];
        const nameAmong = (those: string) =>
          [entry.name ?? strategy.id, ...own, those].filter((part) => part !== '').join(' / ');
        const name = nameAmong(among);
        try {
          const scenarios = seeds.map((one) =>
            scenarioOf(scenario, entry, strategy, alpha, one, named, file),
          );
          const beside = baseline === undefined ? null : nameAmong(baseline);
          variants.push({ name, strategy: strategy.id, ...labels, alpha, baseline: beside, scenarios });
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          left.push({ name, reason: error.message });
        }
      }
    }
  }
  if (variants.length === 0) {
    throw new ConfigError('BAD_CONFIG', `${file}: no combination can be run: ${left[0]!.reason}`);
  }
  return { variants, left, target, measurements };
}

/** The scenario, among each of the adversaries. @throws ConfigError for a baseline that is none of them */
function worldsOf(
  { scenario, adversaries }: CompareFile,
  file: string,
): {
  readonly among: string;
  readonly scenario: CompareFile['scenario'];
  readonly baseline?: string | undefined;
}[] {
  if (adversaries.length === 0) return [{ among: '', scenario }];
  const names = new Set(adversaries.map(({ name }) => name));
  return adversaries.map(({ name, adversaries: own, baseline }) => {
    if (baseline !== undefined && !names.has(baseline)) {
      throw new ConfigError(
        'BAD_CONFIG',
        `${file}: ${name}: the baseline ${baseline} is none of the adversaries`,
      );
    }
    return { among: name, scenario: { ...scenario, adversaries: own }, baseline };
  });
}

function combinations({ strategy }: Entry, { topologies, codecs }: CompareFile): Strategy[] {
  const withTopology =
    'topology' in strategy && topologies.length > 0
      ? topologies.map((topology) => ({ ...strategy, topology }))
      : [strategy];
  if (codecs.length === 0) return withTopology;
  return withTopology.flatMap((one) =>
    'codec' in one ? codecs.map((codec): Strategy => ({ ...one, codec })) : [one],
  );
}

function scenarioOf(
  scenario: CompareFile['scenario'],
  { training, rounds, churn }: Entry,
  strategy: Strategy,
  alpha: number,
  seedOf: number,
  named: RunSpec | undefined,
  file: string,
): Scenario {
  const base = scenario.run ?? named!;
  const trained = scenario.overrides.training ?? base.training;
  const { learningRate = trained.learningRate, localSteps = trained.localSteps } = training;
  return resolveScenario(
    {
      ...scenario,
      seed: seedOf,
      overrides: {
        ...scenario.overrides,
        strategy,
        training: { ...trained, learningRate, localSteps },
        ...(rounds === undefined ? {} : { rounds }),
      },
      data: { ...scenario.data, dirichletAlpha: alpha },
      ...(churn ? { churnModel: churn } : {}),
    },
    named,
    file,
  );
}

/** Short words for what a strategy runs on; empty where it has none. */
function labelsOf(strategy: Strategy): { readonly topology: string; readonly codec: string } {
  const topology = 'topology' in strategy ? strategy.topology.id : '';
  if (!('codec' in strategy)) return { topology, codec: '' };
  const { codec } = strategy;
  const kept = 'perChunk' in codec ? ` k=${codec.perChunk}` : '';
  return { topology, codec: `${codec.id}${kept}` };
}
