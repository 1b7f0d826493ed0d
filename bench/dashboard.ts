/**
 * What the dashboard of 16 nodes costs: bytes that a browser loads, time to the first paint, time from an event to the page, processor
 * time of who serves it and of the page itself. Needs a Chromium.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startPageServer } from '../src/api/page-server.ts';
import { launchChromium } from '../test/e2e/browser.ts';
import { keyOf, someFlock } from '../test/e2e/some-flock.ts';

const nodes = 16;
const seconds = 20;
const events = 20;
const roundsOfHistory = 1000;

const names = Array.from({ length: nodes }, (_, index) => `node-${index}`);
const feed = someFlock(names, roundsOfHistory);
const server = await startPageServer({ port: 0, feed, onError: console.error });
const browser = await launchChromium();
const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
const session = await page.context().newCDPSession(page);
await session.send('Performance.enable');
await page.goto(server.url);
await page.waitForSelector('.bird');
const paint = await page.evaluate<number>(
  "performance.getEntriesByName('first-contentful-paint')[0].startTime",
);

/** Each node once a second: how its run stands, a figure, an entry. */
let round = roundsOfHistory;
function tellAll(): void {
  round += 1;
  const { nodes: told } = feed.hello();
  told.forEach(({ id, runs }, index) => {
    const view = { ...runs[0]!.view, round, roundsDone: round };
    const figures = { loss: Math.exp(-round / 300), bytesOut: 1e5 * round, behind: 6, lag: 0 };
    feed.tell({
      node: id,
      pulses: [keyOf(index)],
      notes: [{ runId: 'run', note: { kind: 'figures', round, figures } }],
    });
    feed.tell({ node: id, views: [view] });
  });
}

const latencies: number[] = [];
for (let event = 0; event < events; event++) {
  const text = `event ${event} of the benchmark`;
  const seen = page.evaluate<number>(
    `new Promise((done) => new MutationObserver((_, watch) => {
      if (document.body.textContent.includes(${JSON.stringify(text)})) { watch.disconnect(); done(Date.now()); }
    }).observe(document.body, { childList: true, subtree: true, characterData: true }))`,
  );
  await page.evaluate('0');
  const atMs = Date.now();
  feed.tell({ node: 'node-0', events: [{ atMs, node: 'node-0', runId: 'run', tone: 'plain', text }] });
  latencies.push((await seen) - atMs);
}
latencies.sort((a, b) => a - b);

async function busySeconds(): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')!.value;
}

// What the bench itself does to make things up is measured once without anybody who watches, and taken off.
async function spentMs(): Promise<number> {
  const before = process.cpuUsage();
  for (let second = 0; second < seconds; second++) {
    tellAll();
    await delay(1000);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
const pageBefore = await busySeconds();
const watched = await spentMs();
const pageBusy = (await busySeconds()) - pageBefore;
await page.close();
const alone = await spentMs();

const percent = (part: number): string => `${(100 * part).toFixed(2)} % of a core`;
console.table({
  'first paint': `${paint.toFixed(0)} ms`,
  'event to page, median': `${latencies[events / 2]} ms`,
  'event to page, slowest': `${latencies.at(-1)} ms`,
  'who serves it': percent(Math.max(0, watched - alone) / (1000 * seconds)),
  'the page, main thread': percent(pageBusy / seconds),
});
await browser.close();
await server.close();
