/** Budgets that nodes keep: spent, kept across restarts, and not to be had again by an older copy of the directory. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { DaemonOptions, RunningNode } from '../../src/daemon/options.ts';
import { privacyReport } from '../../src/daemon/privacy-report.ts';
import { budgetSpent } from '../../src/learning/private/privacy-ledger.ts';
import { epsilonOfSteps } from '../../src/math/renyi-accountant.ts';
import { rngFor } from '../../src/math/rng.ts';
import { createRun, writeManifestFile } from '../../src/node/files/manifest-file.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import { privacySchema } from '../../src/run/privacy-spec.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { tableRun } from '../run/table-run.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-privacy-'));
after(() => rm(directory, { recursive: true, force: true }));
const at = (...names: string[]): string => join(directory, ...names);

const rng = rngFor('privacy test');
const rows = Array.from({ length: 120 }, () => {
  const [a, b] = [rng.float(), rng.float()];
  return `${a},${b},${a > b ? 1 : 0}`;
});
await writeFile(at('clinic.csv'), rows.join('\n'));

const localSteps = 3;
const noiseMultiplier = 2;

const deltaLog = { id: 'delta-log', windowRounds: 3, admitRounds: 1, codec: { chunk: 64, perChunk: 3 } };

async function manifestOf(name: string, training: object = {}, strategy: object = deltaLog): Promise<string> {
  const common = { name, rounds: 1000, slotMs: 200, strategy };
  const spec = tableRun(
    { ...common, training: { localSteps, batchSize: 10, ...training } },
    [0.5, 1],
    [0.5, 1],
  );
  const file = at(`${name}.manifest`);
  await writeManifestFile(file, createRun(spec, Date.now() + 300, crypto, signerOf(9)));
  return file;
}

interface Told extends RunningNode {
  readonly sentences: string[];
  view(): RunView;
  stop(): Promise<void>;
}

async function node(name: string, run: string, options: Partial<DaemonOptions> = {}): Promise<Told> {
  const stopper = new AbortController();
  const sentences: string[] = [];
  const running = await startDaemon(
    {
      ...{ directory: at(name), listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], bootstrap: [] },
      ...{ logLevel: 'silent', httpPort: 0, runs: [{ run, data: at('clinic.csv'), backend: 'wasm' }] },
      tell: (sentence) => sentences.push(sentence),
      ...options,
    },
    stopper.signal,
  );
  const stop = async (): Promise<void> => {
    stopper.abort();
    await running.closed;
  };
  after(() => stop().catch(() => {}));
  return { ...running, sentences, stop, view: () => running.views()[0]! };
}

async function until(what: string, holds: () => boolean, deadlineMs = 30_000): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  while (!holds()) {
    assert.ok(Date.now() < endMs, `not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** About so many rounds: a part of the examples is held out. */
const budgetFor = (rounds: number) => {
  const step = { rate: 0.1, noiseMultiplier };
  const epsilon = epsilonOfSteps(step, rounds * localSteps, 1e-5);
  return privacySchema.parse({ epsilon, noiseMultiplier });
};

test('a node whose budget is spent publishes nothing more, says so, and a restart changes nothing', async () => {
  const run = await manifestOf('spent');
  const first = await node('a', run, { privacy: budgetFor(6) });
  await until('some rounds and then none', () => (first.view().skipped[budgetSpent] ?? 0) >= 3);
  const view = first.view();
  assert.ok(view.deltasPublished >= 1 && view.deltasPublished <= 6, `${view.deltasPublished}`);
  const { rate, steps } = view.privacy!;
  const { epsilon } = budgetFor(6);
  const spentBy = (count: number): number => epsilonOfSteps({ rate, noiseMultiplier }, count, 1e-5);
  assert.ok(spentBy(steps) <= epsilon && spentBy(steps + localSteps) > epsilon, `${steps} steps`);
  assert.ok(view.privacy!.isSpent);
  assert.ok(
    view.notices.some(({ id, text }) => id === 'privacy' && /budget of the node is spent/.test(text)),
  );
  await first.stop();
  // The budget is the directory's: nobody need give it again.
  const again = await node('a', run);
  await until('it still trains nothing', () => (again.view().skipped[budgetSpent] ?? 0) >= 3);
  assert.equal(again.view().deltasPublished, 0);
  await again.stop();
  const report = await privacyReport(at('a'));
  assert.ok(report.node!.spent <= epsilon);
  assert.equal(report.runs[0]!.steps, steps);
  assert.ok(report.assumptions.length >= 5);
});

test('a run demands privacy, and its budget is kept by nodes that gave none', async () => {
  const { epsilon } = budgetFor(6);
  const run = await manifestOf('demand', { privacy: { epsilon, noiseMultiplier, clipNorm: 0.5 } });
  const only = await node('b', run);
  await until('some rounds and then none', () => (only.view().skipped[budgetSpent] ?? 0) >= 2);
  assert.ok(only.view().deltasPublished >= 1 && only.view().deltasPublished <= 6);
  assert.deepEqual(
    only.view().privacy!.budgets.map(({ of }) => of),
    ['run'],
  );
  assert.equal(only.view().privacy!.clipNorm, 0.5);
  await only.stop();
});

test('an older copy of a directory pays for what was published since', async () => {
  const run = await manifestOf('copy', { privacy: { epsilon: 900, noiseMultiplier } });
  const other = await node('other', run);
  const bootstrap = other.info.addresses;
  const first = await node('c', run, { bootstrap });
  await until('something is published', () => first.view().deltasPublished >= 2);
  await first.stop();
  await cp(at('c'), at('older'), { recursive: true });
  const second = await node('c', run, { bootstrap });
  await until('more is published', () => second.view().deltasPublished >= 8);
  await until('the other one has it', () =>
    other.view().contributions.some(({ peer, deltas }) => peer === second.info.peerKey && deltas >= 8),
  );
  await second.stop();
  const paid = (await privacyReport(at('c'))).runs[0]!.steps;
  const older = await node('older', run, { bootstrap });
  await until('the log tells it', () => (older.view().privacy?.assumedSteps ?? 0) > 0);
  await until('all of it is charged', () => older.view().privacy!.steps >= paid);
  await older.stop();
  await other.stop();
});

test('without its privacy.json a node does not go on with a run that it trained in', async () => {
  const run = await manifestOf('lost');
  const first = await node('d', run, { privacy: budgetFor(50) });
  await until('something is published', () => first.view().deltasPublished >= 1);
  await first.stop();
  await writeFile(at('d', 'privacy.json'), '{"version":1');
  await assert.rejects(node('d', run), { code: 'BAD_PRIVACY_FILE' });
  await rm(at('d', 'privacy.json'));
  await assert.rejects(node('d', run, { privacy: budgetFor(50) }), { code: 'PRIVACY_NOT_POSSIBLE' });
});

test('a larger budget than before is told', async () => {
  const run = await manifestOf('raised');
  const first = await node('e', run, { privacy: budgetFor(5) });
  await first.stop();
  const second = await node('e', run, { privacy: budgetFor(9) });
  assert.ok(second.sentences.some((sentence) => /is raised from epsilon/.test(sentence)));
  await second.stop();
  const kept = JSON.parse(await readFile(at('e', 'privacy.json'), 'utf8'));
  assert.equal(kept.earlierBudgets.length, 1);
});

test('methods without a log, and budgets that are spent before they begin, are refused', async () => {
  const mixing = await manifestOf('mixing', {}, { id: 'epidemic' });
  await assert.rejects(node('f', mixing, { privacy: budgetFor(5) }), /privacy is for delta-log/);
  await assert.rejects(
    manifestOf('demanded', { privacy: { epsilon: 3 } }, { id: 'epidemic' }),
    /epidemic keeps no log/,
  );
  const run = await manifestOf('nothing');
  const tiny = privacySchema.parse({ epsilon: 1e-6 });
  await assert.rejects(node('g', run, { privacy: tiny }), /no noise keeps run/);
});
