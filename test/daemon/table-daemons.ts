/** Daemons over real libp2p that take part in a run of a table which takes no time, in a folder of the test's own. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { DaemonOptions, RunningDaemon } from '../../src/daemon/options.ts';
import { readRunFiles } from '../../src/learning/evaluation-set.ts';
import { createRun, writeManifestFile } from '../../src/node/files/manifest-file.ts';
import { type RunView, runViewSchema } from '../../src/node/view/run-view.ts';
import type { SignedManifest } from '../../src/run/manifest.ts';
import type { RunSpec } from '../../src/run/run-spec.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { type Moments, tableRun } from '../run/table-run.ts';

const deadlineMs = 60_000;
const tenths: Moments = [5, 5];
export const classOf = (row: number): number => ((row * 7) % 10 > 4 ? 1 : 0);
export const rows = Array.from({ length: 100 }, (_, i) => `${(i * 7) % 10},${(i * 3) % 10},${classOf(i)}`);

export interface TableDaemons {
  readonly spec: RunSpec;
  readonly run: SignedManifest;
  /** A place in the folder. */
  at(...names: string[]): string;
  daemon(name: string, options: Partial<DaemonOptions>): Promise<RunningDaemon>;
  /** Ends all daemons, and resolves when they have. */
  stop(): Promise<void>;
  readonly signal: AbortSignal;
}

/** The run begins three seconds from now; `fields` as of `tableRun`. `common`: what all train on, where that is a file of the run. */
export async function tableDaemons(fields: object, common?: readonly string[]): Promise<TableDaemons> {
  const directory = await mkdtemp(join(tmpdir(), 'starlings-daemons-'));
  const at = (...names: string[]): string => join(directory, ...names);
  const stopper = new AbortController();
  const running: RunningDaemon[] = [];
  after(async () => {
    stopper.abort();
    await Promise.allSettled(running.map(({ closed }) => closed));
    await rm(directory, { recursive: true, force: true });
  });
  await writeFile(at('clinic.csv'), rows.join('\n'));
  const spec = tableRun({ rounds: 24, slotMs: 250, ...fields }, tenths, tenths);
  if (common) await writeFile(at('common.csv'), common.join('\n'));
  const vectors = await readRunFiles(common ? { training: at('common.csv') } : {}, spec);
  const run = createRun(spec, Date.now() + 3000, crypto, signerOf(9), vectors);
  await writeManifestFile(at('run.manifest'), run, vectors);
  const daemon = async (name: string, options: Partial<DaemonOptions>): Promise<RunningDaemon> => {
    const started = await startDaemon(
      {
        ...{ directory: at(name), listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], bootstrap: [] },
        ...{ logLevel: 'silent', httpPort: 0, tell: () => {} },
        runs: [{ run: at('run.manifest'), data: at('clinic.csv'), backend: 'wasm' }],
        ...options,
      },
      stopper.signal,
    );
    running.push(started);
    return started;
  };
  const stop = async (): Promise<void> => {
    stopper.abort();
    await Promise.all(running.map(({ closed }) => closed));
  };
  return { spec, run, at, daemon, stop, signal: stopper.signal };
}

export async function viewOf({ info }: RunningDaemon): Promise<RunView> {
  const response = await fetch(`${info.http}/status`);
  const { runs } = (await response.json()) as { runs: unknown };
  return runViewSchema.array().parse(runs)[0]!;
}

export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  while (!(await isSo())) {
    assert.ok(Date.now() < endMs, `not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function untilOver(daemons: readonly RunningDaemon[]): Promise<void> {
  await until('the end of the run', async () => {
    const views = await Promise.all(daemons.map(viewOf));
    return views.every(({ phase, modelPath }) => phase === 'finished' && modelPath !== null);
  });
}
