/** What is kept of simulations: lines of JSON, found again by the hash of the scenario, wherever they were made. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseJson } from '../../src/core/parse-json.ts';
import { appendToFile } from '../../src/platform/node/atomic-file.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Variant } from './compare-file.ts';

/** JSON has no NaN, which is the accuracy of a task without one, and no Infinity, which is the loss of what diverged. Earlier versions wrote null. */
const figure = z.union([
  z.number(),
  z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number),
  z.null().transform(() => Number.NaN),
]);

const trialSchema = z.object({
  /** SHA-256 of the scenario. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  seed: z.int(),
  end: z.string(),
  accuracy: figure,
  loss: figure,
  consensusDistance: figure,
  models: figure,
  payloadBitsPerParameter: figure,
  bytesPerPeer: figure,
  /** Local steps of a peer, of the run. */
  steps: figure,
  parameters: figure,
  peers: figure,
  /** Measured rounds: number, held-out accuracy and loss of one peer, bytes that a peer has sent by then. */
  curve: z.array(z.tuple([figure, figure, figure, figure])),
});
/** What is kept of one simulation. */
export type Trial = z.infer<typeof trialSchema>;

/** The simulations of a comparison in the order in which they are done: the first seed of all rows before the second of any. */
export function jobsOf(variants: readonly Variant[]): [Variant, Scenario][] {
  const most = Math.max(...variants.map(({ scenarios }) => scenarios.length));
  return Array.from({ length: most }, (_, k) =>
    variants.flatMap((variant): [Variant, Scenario][] => {
      const scenario = variant.scenarios[k];
      return scenario ? [[variant, scenario]] : [];
    }),
  ).flat();
}

/** The `index`th of `count` parts of a comparison, counted from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** The jobs of one shard: every job is in exactly one. */
export function shardOf<T>(jobs: readonly T[], { index, count }: Shard): T[] {
  return jobs.filter((_, k) => k % count === index - 1);
}

export function keyOf(scenario: Scenario): string {
  return createHash('sha256').update(JSON.stringify(scenario)).digest('hex');
}

export function trialLine(trial: Trial): string {
  const finite = (_: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(trial, finite)}\n`;
}

/** By key, what can be read of a file; nothing where there is none. A last line that was cut off is closed, so that more can be appended. */
export async function keptTrials(file: string): Promise<Map<string, Trial>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (text !== '' && !text.endsWith('\n')) await appendToFile(file, '\n');
  return trialsIn(text);
}

function trialsIn(text: string): Map<string, Trial> {
  const trials = new Map<string, Trial>();
  for (const line of text.split('\n')) {
    const trial = trialSchema.safeParse(parseJson(line));
    if (trial.success) trials.set(trial.data.key, trial.data);
  }
  return trials;
}

export interface Merged {
  readonly trials: ReadonlyMap<Variant, readonly Trial[]>;
  /** The same as lines, in the order of a run that does them all. */
  readonly lines: readonly string[];
  /** Simulations that no file has. */
  readonly missing: number;
  /** Trials of other comparisons, which are left out. */
  readonly foreign: number;
}

/**
 * Puts together what shards kept, whichever file has what.
 * @throws ConfigError where a file has none, or two files tell the same simulation differently; system errors
 */
export async function mergeTrials(variants: readonly Variant[], files: readonly string[]): Promise<Merged> {
  const known = new Map<string, { readonly file: string; readonly trial: Trial }>();
  for (const file of files) {
    const own = trialsIn(await readFile(file, 'utf8'));
    if (own.size === 0) {
      throw new ConfigError('BAD_USAGE', `${file} holds no trials: name what \`compare --shard\` wrote`);
    }
    for (const [key, trial] of own) {
      const before = known.get(key);
      if (before && trialLine(before.trial) !== trialLine(trial)) {
        throw new ConfigError(
          'BAD_USAGE',
          `${before.file} and ${file} tell seed ${trial.seed} of one row differently: they were made by different versions or of different data; do all of them again in one place`,
        );
      }
      known.set(key, { file, trial });
    }
  }
  const trials = new Map<Variant, Trial[]>(variants.map((variant) => [variant, []]));
  const jobs = jobsOf(variants);
  const used = new Set<string>();
  const lines = jobs.flatMap(([variant, scenario]) => {
    const found = known.get(keyOf(scenario))?.trial;
    if (!found) return [];
    trials.get(variant)!.push(found);
    used.add(found.key);
    return [trialLine(found)];
  });
  return { trials, lines, missing: jobs.length - lines.length, foreign: known.size - used.size };
}
