/** `starlings view`: what is over, served to a browser. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Chronicle } from '../../sim/chronicle.ts';
import { pageDirectory } from '../../src/api/page-files.ts';
import { pageReport, recordInReport } from '../../src/api/page-report.ts';
import { someFlock } from '../e2e/some-flock.ts';
import { starlings, startStarlings } from './starlings-process.ts';

const folder = await mkdtemp(join(tmpdir(), 'starlings-view-'));
after(() => rm(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

/** What a browser gets, and another site's page by a name of its own. */
async function shown(path: string): Promise<{ html: string; policy: string; stranger: number }> {
  const running = startStarlings(['view', path]);
  try {
    const said = await running.said('dashboard http');
    const url = /dashboard (\S+)/.exec(said)![1]!;
    const response = await fetch(url);
    const stranger = await new Promise<number>((resolve, reject) => {
      get(url, { headers: { host: 'evil.example' } }, ({ statusCode }) => resolve(statusCode ?? 0)).once(
        'error',
        reject,
      );
    });
    return {
      html: await response.text(),
      policy: response.headers.get('content-security-policy') ?? '',
      stranger,
    };
  } finally {
    running.child.kill('SIGINT');
    assert.equal((await running.ended).exitCode, 130);
  }
}

const isBuilt = existsSync(new URL('page.js', pageDirectory()));

describe('view', { concurrency: 2 }, () => {
  test('shows what `report` wrote, with a script of our own', {
    skip: !isBuilt && 'npm run build:page',
  }, async () => {
    const hello = someFlock(['</script><b>', 'two'], 20).hello();
    const page = await pageReport(hello);
    await writeFile(at('report.html'), page.replace('</body>', '<script>alert(1)</script></body>'));
    const { html, policy, stranger } = await shown(at('report.html'));
    assert.deepEqual(recordInReport(html), JSON.parse(JSON.stringify(hello)));
    assert.doesNotMatch(html, /alert\(1\)/);
    assert.match(policy, /^default-src 'none'/);
    assert.equal(stranger, 403);
  });

  test('shows the record of a simulation', async () => {
    const chronicle: Chronicle = {
      ...{ format: 'starlings-simulation/1', name: 'lossy', scenario: {}, result: {} },
      rows: [
        {
          ...{
            round: 0,
            virtualSeconds: 1,
            living: 2,
            lossMean: 2,
            accuracy: 0.5,
            heldOutLoss: 1,
            measure: null,
          },
          ...{ consensusDistance: null, bytesSent: 9, bytesReceived: 9, stalenessMean: null },
          ...{ utilisation: 1, published: 2, skipped: 0 },
        },
      ],
      nodes: [{ peer: 0, x: 0.5, y: 0.5, region: '', adversary: null }],
      frames: [{ round: 0, virtualSeconds: 1, living: [0], edges: [] }],
    };
    await writeFile(at('sim.json'), JSON.stringify(chronicle));
    const { html } = await shown(at('sim.json'));
    assert.match(html, /<h1>starlings: lossy<\/h1>/);
  });

  test('says what it cannot show', async () => {
    await writeFile(at('other.html'), '<p>no record');
    for (const [path, sentence] of [
      [at('other.html'), /neither a page/],
      [at('nowhere'), /nowhere/],
      [folder, /holds no run/],
    ] as const) {
      const { exitCode, stderr } = await starlings('view', path);
      assert.deepEqual([exitCode, sentence.test(stderr)], [2, true], stderr);
    }
  });
});
