/** What ships for Grafana and Prometheus asks for metrics that nodes have, and is in the forms that both read. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import * as z from 'zod';
import { createMetrics } from '../../src/api/metrics.ts';
import { NETWORK_FAMILIES } from '../../src/network/host/host-readings.ts';
import { someView } from '../node/some-view.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../docs/grafana/${name}`, import.meta.url), 'utf8');

const view = someView({ loss: 1, accuracy: 1, skipped: { late: 1 } });
const network = new Map(NETWORK_FAMILIES.map(({ name }) => [name, [['some', 1]] as const]));
const node = { peerKey: 'ab', peerId: 'p', addresses: [], content: null, bytesIn: 0, bytesOut: 0 };
const text = await createMetrics({
  summary: () => node,
  views: () => [view],
  network: async () => network,
}).text();
const metrics = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name!));

/** Names in an expression that are metrics of ours or of the process. */
const namesIn = (expression: string): string[] =>
  expression.match(/\b(?:starlings|process|nodejs|libp2p)_\w+/g) ?? [];

const dashboardSchema = z.object({
  schemaVersion: z.int(),
  templating: z.object({ list: z.array(z.object({ name: z.string(), query: z.string() })) }),
  panels: z.array(
    z.object({
      id: z.int(),
      title: z.string(),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
      targets: z.array(z.object({ expr: z.string(), refId: z.string() })).min(1),
    }),
  ),
});

test('the dashboard for Grafana shows metrics that there are, each panel in a place of its own', () => {
  const { panels, templating } = dashboardSchema.parse(JSON.parse(read('dashboard.json')));
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const asked = [...expressions, ...templating.list.map(({ query }) => query)].flatMap(namesIn);
  assert.deepEqual(
    asked.filter((name) => !metrics.has(name)),
    [],
  );
  assert.ok(asked.length > panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
  );
  assert.equal(new Set(cells).size, cells.length, 'no two lie upon each other');
  assert.ok(panels.every(({ gridPos: { x, w } }) => x + w <= 24));
});

const rulesSchema = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^[A-Z]\w+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+[smhd]$/)
            .optional(),
          labels: z.record(z.string(), z.string()),
          annotations: z.strictObject({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});

const promtool = process.env['STARLINGS_PROMTOOL'];
const skip = !promtool && "needs promtool, of Debian's package prometheus: STARLINGS_PROMTOOL=promtool";

test('promtool has nothing to say against names and help of what nodes tell', { skip }, () => {
  const { status, stdout, stderr } = spawnSync(promtool!, ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
});

test('promtool takes the rules', { skip }, () => {
  const path = fileURLToPath(new URL('../../docs/grafana/alerts.yaml', import.meta.url));
  const { status, stdout, stderr } = spawnSync(promtool!, ['check', 'rules', path], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});

test('the rules for Prometheus go by metrics that there are', () => {
  const { groups } = rulesSchema.parse(parse(read('alerts.yaml')));
  const rules = groups.flatMap((group) => group.rules);
  assert.deepEqual(
    rules.flatMap(({ expr }) => namesIn(expr)).filter((name) => !metrics.has(name)),
    [],
  );
  assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
});
