/**
 * What a node costs its machine: `npm run bench:node`, with `-- --json` for machines, on Linux. Three nodes of the compiled program with
 * the shares that eight would have of MNIST: resident memory while they wait for round 0 and while they train, and the share of a core that
 * each takes when the run has been over for a while.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadRunSpec } from '../src/config/run-file.ts';
import { splitData } from '../src/testnet/data-shares.ts';
import { haveFinished, observe } from '../src/testnet/observe.ts';
import { stopMembers } from '../src/testnet/stop-testnet.ts';
import { upTestnet } from '../src/testnet/up-testnet.ts';
import { processorMs } from './processor-time.ts';

const nodes = 3;
const shares = 8;
const rounds = 30;
const startDelayMs = 40_000;
/** So long after the end, and over so long. */
const restMs = 30_000;
const idleMs = 20_000;

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const folder = mkdtempSync(join(tmpdir(), 'starlings-node-cost-'));
const spec = { ...(await loadRunSpec('configs/runs/mnist-mlp.yaml')), rounds };
const targets = Array.from({ length: shares }, (_, share) => join(folder, `share-${share}`));
await splitData({ spec, targets, alpha: 0.5, source: null });

const { signal } = new AbortController();
const { state } = await upTestnet(
  {
    directory: join(folder, 'testnet'),
    nodes,
    bootstraps: 1,
    spec,
    vectors: {},
    alpha: 0.5,
    dataPaths: targets.slice(0, nodes),
    splitPath: null,
    slotMs: null,
    startDelayMs,
    backend: 'wasm',
    trainer: null,
    compareAlone: false,
    force: false,
    logLevel: 'info',
    attached: true,
    entry: new URL('../dist/src/cli/main.js', import.meta.url),
    say: (line) => process.stderr.write(`${line}\n`),
  },
  signal,
);
try {
  const pids = state.members.filter(({ role }) => role === 'node').map(({ pid }) => pid);
  await delay(Math.max(0, (state.startAtMs ?? 0) - Date.now() - 2000));
  const waiting = pids.map(residentMb);
  const training = pids.map(() => 0);
  for (let last = await observe(state, null); !haveFinished(last); last = await observe(state, last)) {
    for (const [node, pid] of pids.entries()) training[node] = Math.max(training[node]!, residentMb(pid));
    await delay(1000);
  }
  await delay(restMs);
  const before = pids.map(processorMs);
  await delay(idleMs);
  const finished = pids.map((pid, node) => (100 * (processorMs(pid) - before[node]!)) / idleMs);
  if (values.json)
    console.log(JSON.stringify({ waitingMb: waiting, trainingMb: training, finishedPercent: finished }));
  else {
    console.log(`resident, waiting     ${waiting.join(', ')} MB`);
    console.log(`resident, training    ${training.join(', ')} MB at most`);
    console.log(`finished              ${finished.map((share) => share.toFixed(2)).join(', ')} % of a core`);
  }
} finally {
  await stopMembers(state.members, 5000);
  rmSync(folder, { recursive: true, force: true });
}

function residentMb(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Math.round(Number(kilobytes) / 1024);
}
