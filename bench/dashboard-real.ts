/**
 * What the dashboard of 16 real nodes costs whoever serves it, and how long an event of a node takes to the page: a testnet that is booted for it
 * and taken down, watched in a Chromium. The nodes share the machine: where it has few cores, they are most of what it does meanwhile.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadRunFile } from '../src/config/run-file.ts';
import { observe } from '../src/testnet/observe.ts';
import { Joining } from '../src/testnet/patience.ts';
import { serveDashboard } from '../src/testnet/serve-dashboard.ts';
import { stopMembers } from '../src/testnet/stop-testnet.ts';
import { upTestnet } from '../src/testnet/up-testnet.ts';
import { launchChromium } from '../test/e2e/browser.ts';

const nodes = 16;
const seconds = 30;
const stopper = new AbortController();
const directory = mkdtempSync(join(tmpdir(), 'starlings-dashboard-'));
const data = join(directory, 'rows.csv');
const runFile = join(directory, 'run.yaml');
writeFileSync(
  data,
  Array.from({ length: 200 }, (_, row) => `${row % 7},${row % 5},${row % 7 > row % 5 ? 1 : 0}`).join('\n'),
);
writeFileSync(
  runFile,
  `name: watched
model: { kind: logistic-regression, inputs: 2, outputs: 2 }
task: { kind: table, header: [x, y, class], numeric: [{ column: x, mean: 3, scale: 2 }, { column: 'y', mean: 2, scale: 2 }], label: { column: class } }
training: { localSteps: 2 }
strategy: { id: delta-log, codec: { chunk: 64, perChunk: 3 } }
rounds: 100000
slotMs: 2000
`,
);

const percent = (part: number): string => `${(100 * part).toFixed(2)} % of a core`;
const { spec, vectors } = await loadRunFile(runFile);
const testnet = await upTestnet(
  {
    ...{ directory: join(directory, 'net'), nodes, bootstraps: 1, spec, vectors, alpha: 1, splitPath: null },
    ...{ dataPaths: Array.from({ length: nodes }, () => data), slotMs: 2000, startDelayMs: 90_000 },
    ...{
      backend: 'wasm',
      compareAlone: false,
      trainer: null,
      logLevel: 'error',
      attached: true,
      force: false,
    },
    entry: new URL('../src/cli/main.ts', import.meta.url),
    say: (line) => process.stderr.write(`${line}\n`),
  },
  stopper.signal,
);
try {
  const joining = new Joining();
  for (let last = null; ; await delay(1000)) {
    last = await observe(testnet.state, last);
    if (joining.isOver(last) && last.nodes.every(({ view }) => (view?.roundsDone ?? 0) > 0)) break;
  }
  const dashboard = await serveDashboard({
    ...{ directory: testnet.directory, state: testnet.state, port: 0, tell: console.error },
  });
  const browser = await launchChromium();
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  await page.goto(dashboard.url);
  await page.waitForSelector('.events li');
  const paint = await page.evaluate<number>(
    "performance.getEntriesByName('first-contentful-paint')[0].startTime",
  );
  // Each event says when it happened, by the clock of this machine.
  await page.evaluate(`
    const seen = new Set();
    const look = (isNew) => {
      for (const line of document.querySelectorAll('.events li')) {
        const at = line.querySelector('time').dateTime;
        const key = at + line.textContent;
        if (seen.has(key)) continue;
        seen.add(key);
        if (isNew) window.latencies.push(Date.now() - Date.parse(at));
      }
    };
    window.latencies = [];
    look(false);
    new MutationObserver(() => look(true)).observe(document.body, { childList: true, subtree: true, characterData: true });
  `);
  const before = process.cpuUsage();
  await delay(1000 * seconds);
  const { user, system } = process.cpuUsage(before);
  const latencies = (await page.evaluate<number[]>('window.latencies')).sort((a, b) => a - b);
  await page.close();
  const aloneBefore = process.cpuUsage();
  await delay(1000 * seconds);
  const alone = process.cpuUsage(aloneBefore);
  console.table({
    'first paint': `${paint.toFixed(0)} ms`,
    'events seen': latencies.length,
    'event to page, median': `${latencies[Math.floor(latencies.length / 2)]} ms`,
    'event to page, of 95 in 100': `${latencies[Math.floor(0.95 * latencies.length)]} ms`,
    'who serves it, one page': percent((user + system) / (1e6 * seconds)),
    'who serves it, nobody looks': percent((alone.user + alone.system) / (1e6 * seconds)),
  });
  await browser.close();
  await dashboard.close();
} finally {
  await stopMembers(testnet.state.members, 10_000);
  rmSync(directory, { recursive: true, force: true });
}
