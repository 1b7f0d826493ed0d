/** Data named on the command line: the task that it is read as, what is in it, and its division. */
import { join } from 'node:path';
import { ConfigError } from '../../../config/config-error.ts';
import { rngFor } from '../../../math/rng.ts';
import type { RunSpec } from '../../../run/run-spec.ts';
import type { LabelHints } from '../../../tasks/data/data-report.ts';
import { refuseUnreadableData, type TaskSpec, taskKindOf, taskKinds } from '../../../tasks/data/registry.ts';
import { outputsOf } from '../../../tasks/models/model-layout.ts';
import { splitStream } from '../../../testnet/data-shares.ts';
import { memberName } from '../../../testnet/member-name.ts';

export interface DataSource {
  readonly task: TaskSpec;
  /** null where the task is a guess from the looks of the data. */
  readonly run: Pick<RunSpec, 'model' | 'seed' | 'name'> | null;
}

/** @throws ConfigError where the data looks like none that a task reads; DataFileError where it is not there */
export async function sourceOf(
  path: string,
  { run, ...hints }: LabelHints & { readonly run?: string },
): Promise<DataSource> {
  if (run !== undefined) {
    const spec = await runOf(run);
    await refuseUnreadableData(spec.task, [path]);
    return { task: spec.task, run: spec };
  }
  const { refuseUnreadable } = await import('../../../tasks/data/refuse-unreadable.ts');
  await refuseUnreadable(path);
  for (const { recognise } of taskKinds) {
    const task = await recognise?.(path, hints);
    if (task) {
      refuseIdleHints(task, hints);
      return { task, run: null };
    }
  }
  throw new ConfigError(
    'BAD_USAGE',
    `${path}: this looks like the data of no task; \`starlings data --help\` lists the files that each needs`,
  );
}

const flagOf: Readonly<Record<keyof LabelHints, string>> = {
  label: '--label',
  positiveAbove: '--positive-above',
  header: '--header',
};

/** @throws ConfigError */
function refuseIdleHints(task: TaskSpec, given: LabelHints): void {
  const { hints: taken = [] } = taskKindOf(task);
  const names = Object.keys(flagOf) as (keyof LabelHints)[];
  const idle = names.filter((name) => given[name] !== undefined && !taken.includes(name));
  if (idle.length === 0) return;
  const flags = idle.map((name) => flagOf[name]).join(' and ');
  throw new ConfigError(
    'BAD_USAGE',
    `this is data of the kind ${task.kind}: ${flags} would do nothing; leave it out`,
  );
}

export interface SplitRequest {
  readonly source: string;
  readonly out: string;
  readonly nodes: number;
  readonly alpha: number;
  readonly seed: number | undefined;
}

/** As `starlings start` splits: the same seed gives the same shares. @throws ConfigError, DataFileError, DataShapeError */
export async function splitSource(
  { task, run }: DataSource,
  { source, out, nodes, alpha, seed = run?.seed ?? 1 }: SplitRequest,
): Promise<{ readonly sentence: string; readonly shares: readonly string[] }> {
  const { writeShares } = taskKindOf(task);
  if (writeShares === undefined)
    throw new ConfigError('BAD_USAGE', `data of the kind ${task.kind} is not split`);
  const shares = Array.from({ length: nodes }, (_, node) => join(out, memberName('node', node)));
  const classes = run === null ? null : outputsOf(run.model);
  const sentence = await writeShares(task, {
    source,
    targets: shares,
    classes,
    alpha,
    rng: rngFor(splitStream(seed)),
  });
  return { sentence, shares };
}

async function runOf(file: string): Promise<RunSpec> {
  if (/\.ya?ml$/i.test(file)) {
    const { loadRunSpec } = await import('../../../config/run-file.ts');
    const { configFile } = await import('../config-file.ts');
    return loadRunSpec(configFile(file));
  }
  const { createCrypto } = await import('../../../platform/node/crypto.ts');
  const { readManifestFile } = await import('../../../node/files/manifest-file.ts');
  return (await readManifestFile(file, createCrypto())).manifest;
}
