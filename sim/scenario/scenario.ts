/** A scenario: a run, the peers that take part, the network between them and what befalls them. */

import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadRunSpec } from '../../src/config/run-file.ts';
import { loadYamlFile } from '../../src/config/yaml-file.ts';
import { deltaLogSchema } from '../../src/methods/delta-log/schema.ts';
import { deltasOf, methodSchema, namesMembers } from '../../src/methods/registry.ts';
import {
  impossibleCombination,
  type RunSpec,
  runSpecSchema,
  trainingSchema,
} from '../../src/run/run-spec.ts';
import { parameterCount } from '../../src/tasks/models/model-layout.ts';
import { attackOnTraining, victimsOf } from '../adversaries/registry.ts';
import { lacksCredentials } from '../credentials.ts';
import { adversarySchema } from './adversary-schema.ts';
import { churnModelSchema, churnSchema, noteSchema } from './churn-schema.ts';
import { impossibleNetwork, networkSchema, resolveNetwork } from './network-schema.ts';

/**
 * Most peers of each tier: with real training, with models of known optimum, and with models so small that only their messages
 * count (`tinyParametersMax` parameters).
 */
const peersMax = { real: 1000, small: 10_000, tiny: 100_000 } as const;
const tinyParametersMax = 16;
/** With fewer peers everyone publishes, and nobody asked for more. */
const defaultCommittee = deltaLogSchema.parse({ id: 'delta-log' }).committeeSize;

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
  peers: z.int().min(1).max(peersMax.tiny).describe('virtual peers, each with its own core, store and data'),
  runFile: z.string().min(1).optional().describe('YAML file of the run, relative to this file'),
  run: runSpecSchema.optional().describe('the run itself, in place of runFile; its seed is replaced'),
  overrides: z
    .strictObject({
      rounds: runSpecSchema.shape.rounds.optional(),
      slotMs: runSpecSchema.shape.slotMs.optional(),
      training: trainingSchema.optional().describe('replaces the whole section'),
      strategy: methodSchema.optional().describe('replaces the whole section'),
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
          'mnist (the package brings it), or a folder or file of the run task, relative to this file',
        ),
      dirichletAlpha: z
        .number()
        .positive()
        .max(1e6)
        .default(0.5)
        .describe('label skew of the split over peers, smaller is more; 0.5 as Hsu 2019'),
      validationShare: z
        .number()
        .min(0)
        .max(0.5)
        .default(0)
        .describe('of the training data, not learned from, to choose constants by'),
      evaluates: z
        .enum(['held-out', 'validation'])
        .default('held-out')
        .describe('what models are evaluated on; validation needs a validationShare'),
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
      stragglers: z
        .strictObject({
          share: z.number().min(0).max(1).describe('of the peers, drawn at random'),
          slowdown: z.number().min(1).max(1000).describe('their steps take this many times as long'),
        })
        .optional(),
    })
    .prefault({}),
  clock: z
    .strictObject({
      offsetMs: z
        .number()
        .min(0)
        .max(3_600_000)
        .default(0)
        .describe('clocks are up to this wrong, either way, uniform'),
      driftPpm: z
        .number()
        .min(0)
        .max(1000)
        .default(0)
        .describe('and run up to this many millionths too fast or slow; quartz: 100'),
    })
    .prefault({}),
  declaredParameters: z
    .int()
    .min(1)
    .max(1e12)
    .optional()
    .describe('messages cost what they would with a model of so many parameters'),
  churn: z.array(churnSchema).max(100_000).default([]).describe('peers that come late, die or return'),
  notes: z
    .array(noteSchema)
    .max(10_000)
    .default([])
    .describe('what owners of peers write into the log of the run'),
  churnModel: churnModelSchema.optional().describe('fates of all peers, in place of the list'),
  churnTrace: z
    .string()
    .min(1)
    .optional()
    .describe('CSV file of seconds,peer,up|down: fates of the peers it names, in place of list and model'),
  adversaries: z.array(adversarySchema).max(100).default([]).describe('dishonest peers'),
});
export type ScenarioFile = z.infer<typeof scenarioFileSchema>;

/** A scenario whose run is in hand and whose paths are absolute. */
export type Scenario = Omit<ScenarioFile, 'run' | 'runFile' | 'overrides'> & { readonly run: RunSpec };

/** Reads a scenario and the run it names; `seed` in place of the file's. @throws ConfigError with file, line and what was expected */
export async function loadScenario(file: string, seed?: number): Promise<Scenario> {
  const content = await loadYamlFile(file, scenarioFileSchema, impossibleScenario);
  const scenario = seed === undefined ? content : { ...content, seed };
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
  const impossible = impossibleCombination(run, content.peers);
  if (impossible) {
    throw new ConfigError(
      'BAD_CONFIG',
      `${file}: overrides.${impossible.path.join('.')}: ${impossible.message}`,
    );
  }
  const lacking = namesMembers(run.strategy) ? null : lacksCredentials(run.membership, content.peers);
  if (lacking) throw new ConfigError('BAD_CONFIG', `${file}: overrides.membership: ${lacking}`);
  const besides = (path: string) => resolve(dirname(file), path);
  const { dataset } = content.data;
  const { capacityTrace } = content.network;
  const scenario: Scenario = {
    ...rest,
    data: { ...content.data, dataset: dataset === 'mnist' ? dataset : besides(dataset) },
    network: { ...content.network, ...(capacityTrace ? { capacityTrace: besides(capacityTrace) } : {}) },
    ...(content.churnTrace ? { churnTrace: besides(content.churnTrace) } : {}),
    run,
  };
  const tooLarge = tierProblem(scenario);
  if (tooLarge) throw new ConfigError('BAD_CONFIG', `${file}: ${tooLarge}`);
  return scenario;
}

/** What no single field shows: the first combination that cannot work, with its path, or null. */
export function impossibleScenario(
  scenario: ScenarioFile,
): { readonly path: readonly PropertyKey[]; readonly message: string } | null {
  const { peers, network, churn, notes, run, runFile, data } = scenario;
  if ((run === undefined) === (runFile === undefined)) {
    return { path: ['runFile'], message: 'give either runFile or run, and not both' };
  }
  if (data.evaluates === 'validation' && data.validationShare === 0) {
    return { path: ['data', 'validationShare'], message: 'must be above 0 where evaluates is validation' };
  }
  const badNetwork = impossibleNetwork(network);
  if (badNetwork) return { ...badNetwork, path: ['network', ...badNetwork.path] };
  for (const [index, entry] of churn.entries()) {
    const bad = impossibleFate(entry, peers);
    if (bad) return { path: ['churn', index, bad.field], message: bad.message };
  }
  const stranger = notes.findIndex(({ peer }) => peer >= peers);
  if (stranger >= 0) {
    return { path: ['notes', stranger, 'peer'], message: `must be below peers (${peers})` };
  }
  return impossibleChurn(scenario) ?? impossibleAdversaries(scenario) ?? impossibleStrategy(scenario);
}

type Impossible = { readonly path: readonly PropertyKey[]; readonly message: string } | null;

function impossibleFate(
  { peer, joinAtRound, crashAtRound, leaveAtRound, restartAtRound, vanishes }: ScenarioFile['churn'][number],
  peers: number,
): { readonly field: string; readonly message: string } | null {
  if (peer >= peers) return { field: 'peer', message: `there are peers 0 to ${peers - 1}` };
  if (leaveAtRound !== undefined && (crashAtRound !== undefined || vanishes)) {
    return { field: 'leaveAtRound', message: 'who leaves neither crashes nor vanishes' };
  }
  const end = crashAtRound ?? leaveAtRound;
  const field = leaveAtRound === undefined ? 'crashAtRound' : 'leaveAtRound';
  if (joinAtRound !== undefined && end !== undefined && joinAtRound >= end) {
    return { field, message: `must come after joinAtRound (${joinAtRound})` };
  }
  if (restartAtRound !== undefined && !(end !== undefined && end < restartAtRound)) {
    return { field: 'restartAtRound', message: `must come after ${field} of the same entry` };
  }
  return null;
}

function impossibleChurn({ churn, churnModel, churnTrace, network }: ScenarioFile): Impossible {
  if ([churn.length > 0, churnModel !== undefined, churnTrace !== undefined].filter(Boolean).length > 1) {
    return {
      path: [churnTrace ? 'churnTrace' : 'churnModel'],
      message: 'give one of churn, churnModel and churnTrace',
    };
  }
  if (!churnModel) return null;
  const { session, absence, regionalFailures, startShare, flashCrowd, vanishShare, leaveShare } = churnModel;
  if (vanishShare + leaveShare > 1) {
    return { path: ['churnModel', 'leaveShare'], message: `with vanishShare (${vanishShare}) it exceeds 1` };
  }
  if (absence && !session)
    return { path: ['churnModel', 'absence'], message: 'nobody leaves: give session as well' };
  if (startShare + (flashCrowd?.share ?? 0) > 1) {
    return {
      path: ['churnModel', 'flashCrowd', 'share'],
      message: `with startShare (${startShare}) it exceeds 1`,
    };
  }
  const { latency } = resolveNetwork(network);
  const names = 'regions' in latency ? latency.regions.map(({ name }) => name) : [];
  for (const [index, { region, fromRound, toRound }] of regionalFailures.entries()) {
    const path = ['churnModel', 'regionalFailures', index];
    if (!names.includes(region)) {
      const known =
        names.length > 0 ? `there are ${names.join(', ')}` : 'a network of flat latencies has none';
      return { path: [...path, 'region'], message: `no region is called ${region}: ${known}` };
    }
    if (toRound <= fromRound)
      return { path: [...path, 'toRound'], message: `must come after fromRound (${fromRound})` };
  }
  return null;
}

function impossibleAdversaries({ adversaries, peers }: ScenarioFile): Impossible {
  for (const [index, { behaviour, share, peers: named, fromRound, friends }] of adversaries.entries()) {
    const at = (...fields: string[]) => ['adversaries', index, ...fields];
    if ((share === undefined) === (named === undefined)) {
      return { path: at('share'), message: 'give either share or peers' };
    }
    if (named?.some((peer) => peer >= peers))
      return { path: at('peers'), message: `there are peers 0 to ${peers - 1}` };
    if (friends?.some((peer) => peer >= peers || (named ?? friends).includes(peer)))
      return {
        path: at('friends'),
        message: `must be others of the peers 0 to ${peers - 1} than those named in peers`,
      };
    if (attackOnTraining(behaviour)?.relabel && fromRound > 0) {
      return { path: at('fromRound'), message: `${behaviour.id} is in the data: it has no beginning` };
    }
    const wrong = victimsOf(behaviour).find((victim) => victim >= peers || named?.includes(victim));
    if (wrong !== undefined) {
      return {
        path: at('behaviour', 'victims'),
        message: `peer ${wrong} does not exist or is an attacker itself`,
      };
    }
  }
  const attackers = adversaries.reduce(
    (sum, { share, peers: named }) => sum + (share ?? 0) * peers + (named?.length ?? 0),
    0,
  );
  return attackers < peers ? null : { path: ['adversaries'], message: 'must leave at least one honest peer' };
}

/** Only what the file itself says: of a run in another file `resolveScenario` has a look. */
function impossibleStrategy({ run, overrides, peers }: ScenarioFile): Impossible {
  const strategy = overrides.strategy ?? run?.strategy;
  const log = strategy && deltasOf(strategy);
  if (!log || log.committeeSize <= Math.max(peers, defaultCommittee)) return null;
  const path = overrides.strategy
    ? ['overrides', 'strategy', 'committeeSize']
    : ['run', 'strategy', 'committeeSize'];
  return { path, message: `a committee of ${log.committeeSize} cannot be drawn from ${peers} peers` };
}

/** What one machine cannot hold, with what could be done; null for what it can. */
function tierProblem({ peers, learner, run }: Scenario): string | null {
  if (run.shared !== undefined) {
    return 'run.shared: one learner trains for all virtual peers, so none has tensors of its own; try it with real nodes, `starlings start`';
  }
  const parameters = parameterCount(run.model);
  if (learner.id === 'tensorflow' && peers > peersMax.real) {
    return `peers: real training is for up to ${peersMax.real} peers; take learner: { id: quadratic } for ${peers}`;
  }
  if (peers > peersMax.small && parameters > tinyParametersMax) {
    return `peers: more than ${peersMax.small} need a model of at most ${tinyParametersMax} parameters, this one has ${parameters}; declaredParameters charges for a larger one`;
  }
  return null;
}
