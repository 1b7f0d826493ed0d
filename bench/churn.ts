/**
 * Nodes that come and go without a word: `npm run bench:churn -- --minutes 30`, with `-- --json` for machines, on Linux. Real nodes of the
 * compiled program; every ten seconds one is killed with -9, twenty seconds later it is started again. In the end: deltas that their
 * authors published and that are in no model and did not come back to them, models that there are, memory over time. Exit code 1 where
 * a delta is lost or there is more than one model.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { parseJson } from '../src/core/parse-json.ts';
import { LOG_FILE, OLDER_LOG_FILE } from '../src/daemon/directory.ts';
import { rngFor } from '../src/math/rng.ts';
import { isRunning, signalProcess } from '../src/platform/node/process-identity.ts';
import { haveFinished, observe } from '../src/testnet/observe.ts';
import { resumeTestnet } from '../src/testnet/resume-testnet.ts';
import { stopMembers } from '../src/testnet/stop-testnet.ts';
import { type Member, readState } from '../src/testnet/testnet-state.ts';
import { upTestnet } from '../src/testnet/up-testnet.ts';
import { tableRun } from '../test/run/table-run.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '16' },
    minutes: { type: 'string', default: '30' },
    'slot-ms': { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const nodes = Number(values.nodes);
const churnMs = 60_000 * Number(values.minutes);
const slotMs = Number(values['slot-ms']);
const killEveryMs = 10_000;
const restartAfterMs = 20_000;
const lookEveryMs = 10_000;
/** For the last ones to come back and all to close the last rounds. */
const endPatienceMs = 180_000 + 20 * slotMs;

const entry = new URL('../dist/src/cli/main.js', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'starlings-churn-'));
const directory = join(folder, 'testnet');
const { signal } = new AbortController();
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const spec = tableRun(
  {
    name: 'churn',
    strategy: { id: 'delta-log', codec: { chunk: 64, perChunk: 3 } },
    // It ends when the last of them are back.
    rounds: Math.ceil((churnMs + restartAfterMs + 20_000) / slotMs),
    slotMs,
  },
  [0.5, 0.3],
  [0.5, 0.3],
);

interface Sample {
  readonly seconds: number;
  readonly alive: number;
  /** Resident, of the nodes that live. */
  readonly medianMb: number;
  readonly mostMb: number;
  readonly rounds: number;
}

/** One of the members as they are now. */
async function memberOf(name: string): Promise<Member> {
  return (await readState(directory)).members.find((member) => member.name === name)!;
}

async function sampled(beganMs: number): Promise<Sample> {
  const state = await readState(directory);
  const { nodes: seen } = await observe(state, null);
  const mb = state.members
    .filter((member) => member.role === 'node' && isRunning(member))
    .map(({ pid }) => residentMb(pid))
    .sort((a, b) => a - b);
  return {
    seconds: Math.round((performance.now() - beganMs) / 1000),
    alive: mb.length,
    medianMb: mb[mb.length >> 1] ?? 0,
    mostMb: mb.at(-1) ?? 0,
    rounds: Math.max(0, ...seen.map(({ view }) => view?.countedRounds ?? 0)),
  };
}

function residentMb(pid: number): number {
  try {
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000);
  } catch {
    return 0;
  }
}

/** Kills, starts again and looks, one after the other: `testnet.json` has one writer. */
async function churn(): Promise<{ readonly samples: Sample[]; readonly kills: number }> {
  const rng = rngFor(`bench/churn/${values.seed}`);
  const beganMs = performance.now();
  const samples: Sample[] = [];
  const down = new Map<string, number>();
  const due = { kill: killEveryMs, look: 0 };
  let kills = 0;
  for (;;) {
    const nowMs = performance.now() - beganMs;
    if (nowMs >= churnMs && down.size === 0) return { samples, kills };
    const back = [...down].filter(([, at]) => nowMs >= at).map(([name]) => name);
    if (back.length > 0) {
      for (const name of back) down.delete(name);
      await resumeTestnet({ directory, entry, names: back, trainer: null }, signal);
    } else if (nowMs >= due.kill && nowMs < churnMs) {
      // Where starting some took long, what was missed is not made up for: nobody kills five at once.
      due.kill = nowMs + killEveryMs;
      const up = (await readState(directory)).members.filter(
        (member) => member.role === 'node' && isRunning(member),
      );
      const { name } = up[Math.floor(rng.float() * up.length)]!;
      if (signalProcess(await memberOf(name), 'SIGKILL')) kills++;
      down.set(name, nowMs + restartAfterMs);
    } else if (nowMs >= due.look) {
      due.look = nowMs + lookEveryMs;
      const sample = await sampled(beganMs);
      samples.push(sample);
      say(
        `${sample.seconds} s  ${sample.alive} alive, ${sample.medianMb} MB (at most ${sample.mostMb}), round ${sample.rounds}`,
      );
    } else await delay(100);
  }
}

const lineSchema = z.object({ kind: z.enum(['published', 'restored']), round: z.int() });

/** Rounds in which a node published, and of which its delta came back to it, over all its lives. */
function told({ directory: home }: Member): {
  readonly published: Set<number>;
  readonly restored: Set<number>;
} {
  const rounds = { published: new Set<number>(), restored: new Set<number>() };
  for (const file of [OLDER_LOG_FILE, LOG_FILE].map((name) => join(home, name))) {
    if (!existsSync(file)) continue;
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const event = lineSchema.safeParse(parseJson(line)).data;
      if (event) rounds[event.kind].add(event.round);
    }
  }
  return rounds;
}

async function ended() {
  const deadline = performance.now() + endPatienceMs;
  let last = await observe(await readState(directory), null);
  while (!haveFinished(last) && performance.now() < deadline) {
    await delay(1000);
    last = await observe(await readState(directory), last);
  }
  const { members } = await readState(directory);
  const views = last.nodes.flatMap(({ view }) => view ?? []);
  const models = new Map<string, number>();
  for (const { modelHash } of views) models.set(String(modelHash), (models.get(String(modelHash)) ?? 0) + 1);
  const contributions = new Map(views[0]?.contributions.map(({ peer, deltas }) => [peer, deltas]));
  const authors = last.nodes.flatMap(({ name, view }) => {
    if (view === null) return [];
    const { published, restored } = told(members.find((member) => member.name === name)!);
    const inModel = contributions.get(view.peerKey) ?? 0;
    return [
      {
        name,
        published: published.size,
        restored: restored.size,
        inModel,
        lost: Math.max(0, published.size - restored.size - inModel),
      },
    ];
  });
  return { finished: haveFinished(last), models: Object.fromEntries(models), authors };
}

function meanOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { medianMb }) => sum + medianMb, 0) / Math.max(1, samples.length);
}

const rng = rngFor('bench/churn/data');
const row = (): string => {
  const [x, y] = [rng.float(), rng.float()];
  return `${x},${y},${x > y ? 1 : 0}`;
};
const dataPaths = Array.from({ length: nodes }, (_, index) => join(folder, `${index}.csv`));
for (const path of dataPaths) writeFileSync(path, Array.from({ length: 200 }, row).join('\n'));
try {
  await upTestnet(
    {
      ...{
        directory,
        nodes,
        bootstraps: 2,
        spec,
        vectors: {},
        alpha: 0.5,
        dataPaths,
        splitPath: null,
        slotMs,
        trainer: null,
      },
      ...{ startDelayMs: 3000 * nodes, backend: 'wasm', compareAlone: false, force: false, logLevel: 'info' },
      ...{ attached: false, entry, say },
    },
    signal,
  );
  const { startAtMs } = await readState(directory);
  await delay(Math.max(0, startAtMs! - Date.now()));
  const { samples, kills } = await churn();
  const { finished, models, authors } = await ended();
  const sum = (field: 'published' | 'restored' | 'inModel' | 'lost') =>
    authors.reduce((total, author) => total + author[field], 0);
  const third = Math.ceil(samples.length / 3);
  const result = {
    ...{ nodes, minutes: churnMs / 60_000, slotMs, kills, finished, models, authors, samples },
    ...{ published: sum('published'), restored: sum('restored'), inModel: sum('inModel'), lost: sum('lost') },
    memoryMb: { firstThird: meanOf(samples.slice(0, third)), lastThird: meanOf(samples.slice(-third)) },
  };
  process.stdout.write(
    values.json
      ? `${JSON.stringify(result)}\n`
      : `kills ${kills}, finished ${finished}, models ${Object.keys(models).length}, published ${result.published}, in the model ${result.inModel}, ` +
          `back with their authors ${result.restored}, lost ${result.lost}\nmemory of the median node, MB: ` +
          `${samples.map(({ medianMb }) => medianMb).join(' ')}\n`,
  );
  process.exitCode = finished && result.lost === 0 && Object.keys(models).length === 1 ? 0 : 1;
} finally {
  await readState(directory).then(
    ({ members }) => stopMembers(members, 10_000),
    () => {},
  );
  rmSync(folder, { recursive: true, force: true });
}
