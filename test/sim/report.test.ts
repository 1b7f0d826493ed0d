import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Chronicle, RoundRow } from '../../sim/chronicle.ts';
import { compareChronicles, formatComparison } from '../../sim/report/compare.ts';
import { htmlReport } from '../../sim/report/html-report.ts';
import { decades, linePlot, niceTicks } from '../../sim/report/line-plot.ts';
import { readChronicle } from '../../sim/report/read-chronicle.ts';
import { ConfigError } from '../../src/config/config-error.ts';

const row = (round: number, more: Partial<RoundRow> = {}): RoundRow => ({
  round,
  virtualSeconds: round,
  living: 2,
  lossMean: 1 / (round + 1),
  accuracy: null,
  heldOutLoss: null,
  measure: null,
  consensusDistance: 0.1,
  bytesSent: 1000,
  bytesReceived: 900,
  stalenessMean: 0.5,
  utilisation: 0.7,
  published: 2,
  skipped: 0,
  ...more,
});

const chronicleOf = (more: Partial<Chronicle> = {}): Chronicle => ({
  format: 'starlings-simulation/1',
  name: 'test',
  scenario: { peers: 2, network: { loss: 0 } },
  result: { traceHash: 'aa', accuracyMean: 0.5, bytesPerPeer: 10, end: 'finished', seed: 1 },
  rows: [row(0), row(1), row(2)],
  nodes: [
    { peer: 0, x: 0.1, y: 0.2, region: 'east', adversary: null },
    { peer: 1, x: 0.5, y: 0.9, region: 'west', adversary: 'sign-flip' },
  ],
  frames: [{ round: 0, virtualSeconds: 1, living: [0, 1], edges: [[0, 1]] }],
  ...more,
});

describe('the report', () => {
  it('refers to nothing outside itself', () => {
    const html = htmlReport(chronicleOf());
    assert.doesNotMatch(html, /https?:|src=|href=|@import|url\(/);
    assert.match(html, /<svg/);
  });

  it('takes no markup from the scenario', () => {
    const evil = '</script><script>alert(1)</script><img onerror="x">';
    const html = htmlReport(
      chronicleOf({
        name: evil,
        scenario: { dataset: evil },
        result: { end: evil },
        nodes: [{ peer: 0, x: 0, y: 0, region: evil, adversary: evil }],
        frames: [{ round: 0, virtualSeconds: 0, living: [0], edges: [] }],
      }),
    );
    assert.equal(html.split('</script>').length - 1, 2);
    assert.ok(!html.includes('<script>alert') && !html.includes('<img'));
  });

  it('says so where nothing was measured', () => {
    const empty = htmlReport(chronicleOf({ rows: [], frames: [] }));
    assert.equal(empty.match(/not measured/g)?.length, 8);
    assert.match(empty, /No round was over/);
    assert.match(htmlReport(chronicleOf()), /Accuracy on held-out data<\/text><text[^>]*>not measured/);
  });

  it('stretches the network to its box, whatever part of the world the peers are in', () => {
    const nodes = Array.from({ length: 8 }, (_, peer) => ({
      ...{ peer, x: 0.51 + 0.001 * peer, y: 0.3 + 0.002 * (peer % 3), region: 'europe', adversary: null },
    }));
    const html = htmlReport(chronicleOf({ nodes }));
    const places = [...html.matchAll(/<circle [^>]*cx="([\d.]+)" cy="([\d.]+)" r="8"/g)];
    const of = (at: 1 | 2): number[] => places.map((place) => Number(place[at]));
    assert.equal(places.length, 8);
    assert.ok(Math.min(...of(1)) < 100 && Math.max(...of(1)) > 840, String(of(1)));
    assert.ok(Math.min(...of(2)) < 100 && Math.max(...of(2)) > 370, String(of(2)));
    assert.match(html, />7<\/text>/);
    const one = htmlReport(chronicleOf({ nodes: [nodes[0]!], frames: chronicleOf().frames }));
    assert.match(one, /cx="470" cy="235"/);
  });

  it('has room on a telephone, begins amounts at zero, names its axes and counts as the command does', () => {
    const rows = [row(0, { bytesSent: 352_000, bytesReceived: 351_000 }), row(1, { bytesSent: 400_000 })];
    const html = htmlReport(chronicleOf({ rows, result: { events: 2_314_567 } }));
    assert.match(html, /minmax\(min\(400px, 100%\), 1fr\)/);
    const plot = /<svg [^>]*><title>Bytes a round[\s\S]*?<\/svg>/.exec(html)![0];
    assert.match(plot, /class="y">0 B</);
    const plots = html
      .match(/<svg viewBox="0 0 460[\s\S]*?<\/svg>/g)!
      .filter((one) => !one.includes('class="none"'));
    assert.ok(plots.length >= 6);
    for (const one of plots) assert.match(one, /class="x">round<\/text><text transform=[^>]*>[^<]+<\/text>/);
    assert.match(html, /<b>2314567<\/b>events/);
  });

  it('draws in colours that can be seen on light and on dark paper', () => {
    const brightness = (colour: string): number => {
      const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
      const [r, g, b] = parts.map((part) =>
        part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    };
    const contrast = (a: string, b: string): number => {
      const [dark, bright] = [brightness(a), brightness(b)].sort((x, y) => x - y);
      return (bright! + 0.05) / (dark! + 0.05);
    };
    const [light, dark] = htmlReport(chronicleOf()).split('prefers-color-scheme: dark');
    const coloursIn = (text: string) =>
      [...text.matchAll(/--line\d: (#\w{6})/g)].map(([, colour]) => colour!);
    const [onLight, onDark] = [coloursIn(light!), coloursIn(dark!)];
    assert.ok(onLight.length >= 4 && onLight.length === onDark.length);
    for (const colour of onLight) assert.ok(contrast(colour, '#ffffff') >= 4.5, colour);
    for (const colour of onDark) assert.ok(contrast(colour, '#181818') >= 4.5, colour);
    const plot = linePlot({ title: 't', x: [0, 1], series: [{ name: 's', values: [1, 2] }] });
    assert.doesNotMatch(plot, /#[0-9a-f]{6}/);
  });

  it('leaves gaps where values are missing, and draws one that stands alone', () => {
    const plot = linePlot({ title: 't', x: [0, 1, 2, 3], series: [{ name: 's', values: [1, null, 2, 3] }] });
    const path = /<path d="([^"]*)"/.exec(plot)?.[1] ?? '';
    assert.equal(path.match(/M/g)?.length, 2);
    assert.equal(path.match(/h\.01/g)?.length, 1);
  });

  it('draws a line through what was measured now and then', () => {
    const values = [1, null, 2, null, 3, null];
    const plot = linePlot({
      title: 't',
      x: [0, 1, 2, 3, 4, 5],
      series: [{ name: 's', values, sampled: true }],
    });
    const path = /<path d="([^"]*)"/.exec(plot)?.[1] ?? '';
    assert.equal(path.match(/M/g)?.length, 1);
    assert.equal(path.match(/L/g)?.length, 2);
    const rows = [0, 1, 2, 3].map((round) => row(round, { accuracy: round % 2 === 0 ? round / 4 : null }));
    assert.match(htmlReport(chronicleOf({ rows })), /<path d="M[^"ML]*L[^"ML]*"[^>]*><title>accuracy</);
  });

  it('tells values of 0 on a logarithmic axis from values that are missing', () => {
    const plotOf = (values: Array<number | null>) =>
      linePlot({ title: 't', x: [0, 1], series: [{ name: 's', values }], log: true });
    assert.match(plotOf([0, 0]), />never above 0</);
    assert.match(plotOf([null, null]), />not measured</);
  });

  it('leaves out connections to peers that are not drawn', () => {
    const frames = [
      {
        round: 0,
        virtualSeconds: 0,
        living: [0, 7],
        edges: [
          [0, 1],
          [0, 7],
        ] as const,
      },
    ];
    const html = htmlReport(chronicleOf({ frames }));
    assert.match(html, /1 of 2 drawn peers, 1 connections/);
    assert.match(html, /"edges":\[\[0,1\]\]/);
  });

  it('has ticks around the data, not many and not few', async () => {
    await fc.assert(
      fc.property(
        fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (low, span) => {
          const high = low + span;
          const ticks = niceTicks(low, high);
          const slack = 1e-9 * Math.max(1, Math.abs(low), Math.abs(high));
          assert.ok(ticks[0]! <= low + slack && ticks[ticks.length - 1]! >= high - slack, ticks.join(' '));
          assert.ok(ticks.length >= 2 && ticks.length <= 9, `${ticks.length} ticks`);
        },
      ),
      {
        examples: [
          [5e-324, 0],
          [0, 5e-324],
          [0, 0],
        ],
      },
    );
    assert.deepEqual(decades(2e-5, 3e-5), [1e-5, 1e-4]);
    assert.deepEqual(decades(0.02, 30), [0.01, 0.1, 1, 10, 100]);
  });
});

describe('comparing two records', () => {
  it('finds the settings, the results and the round', () => {
    const other = chronicleOf({
      scenario: { peers: 2, network: { loss: 0.1 } },
      result: { traceHash: 'bb', accuracyMean: 0.4, bytesPerPeer: 10, end: 'finished', seed: 1 },
      rows: [row(0), row(1, { bytesSent: 1500 }), row(2, { bytesSent: 3000 })],
    });
    const comparison = compareChronicles(chronicleOf(), other);
    assert.equal(comparison.sameTrace, false);
    assert.deepEqual(comparison.settings, [{ path: 'network.loss', a: 0, b: 0.1 }]);
    assert.equal(comparison.firstRound, 1);
    assert.deepEqual(comparison.columns, [{ column: 'bytesSent', round: 2, a: 1000, b: 3000 }]);
    const text = formatComparison(comparison, ['a', 'b']);
    assert.match(text, /accuracyMean +0\.5 +0\.4 0\.800/);
    assert.ok(text.split('\n').every((line) => line.length <= 100));
  });

  it('shows foreign names within the terminal and hands it no commands', () => {
    const scenario = { [`\u001b[2J${'x'.repeat(90)}`]: '\u009b2J' };
    const text = formatComparison(compareChronicles(chronicleOf(), chronicleOf({ scenario })), [
      '\u001b',
      'b',
    ]);
    assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u);
    assert.ok(text.split('\n').every((line) => line.length <= 100));
  });

  it('finds nothing between a record and itself', () => {
    const same = compareChronicles(chronicleOf(), chronicleOf());
    assert.ok(
      same.sameTrace && same.firstRound === null && same.settings.length === 0 && same.columns.length === 0,
    );
  });

  it('reads back what was written, and refuses what is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'starlings-record-'));
    const good = join(folder, 'good.json');
    await writeFile(good, JSON.stringify(chronicleOf()));
    assert.deepEqual(await readChronicle(good), chronicleOf());
    const bad = join(folder, 'bad.json');
    await writeFile(bad, JSON.stringify({ ...chronicleOf(), rows: [{}] }));
    await assert.rejects(
      readChronicle(bad),
      (error) => error instanceof ConfigError && /bad\.json.*rows\.0/.test(error.message),
    );
    await assert.rejects(readChronicle(join(folder, 'none.json')), { code: 'ENOENT' });
  });
});
