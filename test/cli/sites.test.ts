/** A folder that is a whole experiment, and what is said of its sites. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exampleFolder } from '../../src/cli/parts/testnet/example-folder.ts';
import { renderSites, siteFacts } from '../../src/cli/view/render-sites.ts';
import { sitesPage } from '../../src/cli/view/sites-page.ts';
import { loadRunSpec } from '../../src/config/run-file.ts';
import { assess } from '../../src/tasks/assessment.ts';
import { taskKindOf } from '../../src/tasks/data/registry.ts';
import { starlings } from './starlings-process.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starlings-sites-'));
});
after(() => rm(folder, { recursive: true, force: true }));

describe('a folder with a run', () => {
  test('has a path for each node: all that is not about it', async () => {
    const place = join(folder, 'whole');
    await mkdir(join(place, 'b'), { recursive: true });
    for (const name of ['run.yaml', 'README.md', 'LICENCE', '.hidden', 'c.csv', 'a.csv']) {
      await writeFile(join(place, name), '');
    }
    const found = exampleFolder(place)!;
    assert.equal(found.runFile, join(place, 'run.yaml'));
    assert.deepEqual(found.dataPaths, [join(place, 'a.csv'), join(place, 'b'), join(place, 'c.csv')]);
    assert.equal(exampleFolder(found.runFile), null);
    assert.equal(exampleFolder(join(folder, 'absent')), null);
  });

  test('is refused without a run, without data, and beside other data', async () => {
    const place = join(folder, 'part');
    await mkdir(place);
    assert.throws(() => exampleFolder(place), /expected a run\.yaml in this folder/);
    await writeFile(join(place, 'run.yaml'), '');
    await writeFile(join(place, 'one.csv'), '');
    assert.throws(() => exampleFolder(place), /the data of at least two nodes beside run\.yaml, .* found 1$/);
    const end = await starlings('start', 'examples/heart', '--data', 'a', 'b', 'c', 'd');
    assert.equal(end.exitCode, 2);
    assert.match(end.stderr, /a folder with a run has its own data: leave --data and --split out/);
    const two = await starlings('start', 'examples/heart', '--nodes', '2');
    assert.match(two.stderr, /the folder has the data of 4 nodes, one each: leave --nodes 2 out/);
    const examples = await starlings('start', 'clinic.csv');
    assert.equal(examples.exitCode, 2);
    assert.match(examples.stderr, /clinic\.csv: the YAML of a run is wanted here; `starlings init/);
  });

  test('ships with four hospitals, whose files a node of the run takes whole', async () => {
    const { runFile, dataPaths } = exampleFolder('examples/heart')!;
    const { task, model } = await loadRunSpec(runFile);
    const rows: Record<string, number> = {};
    for (const path of dataPaths) {
      const { refused, parts } = await taskKindOf(task).inspect!(task, path, model);
      assert.deepEqual(refused, []);
      rows[basename(path)] = parts.reduce((sum, part) => sum + part.rows, 0);
    }
    // Those of the published files.
    assert.deepEqual(rows, {
      'cleveland.csv': 303,
      'hungarian.csv': 294,
      'switzerland.csv': 123,
      'va.csv': 200,
    });
  });
});

describe('what is said of sites', () => {
  const labels = [0, 0, 0, 1, 1, 1];
  const assessed = (scores: readonly number[]) =>
    assess(
      labels,
      scores.flatMap((score) => [1 - score, score]),
      2,
    );
  const site = {
    name: 'A & B',
    together: assessed([0.1, 0.2, 0.6, 0.5, 0.8, 0.9]),
    alone: assessed([0.3, 0.7, 0.6, 0.5, 0.2, 0.9]),
  };
  const few = {
    name: 'few',
    together: assess([0, 1], [0.6, 0.4, 0.3, 0.7], 2),
    alone: assess([0, 1], [0.6, 0.4, 0.3, 0.7], 2),
  };
  const results = { sites: [site, few], pooled: { ...site, name: 'all' } };

  test('are areas with their intervals, and a dash where the examples do not say', () => {
    const lines = renderSites(results, 'disease', Number.POSITIVE_INFINITY).split('\n');
    assert.match(lines[0]!, /held out +disease +AUC alone \(95 % interval\) +AUC together .* +difference$/);
    assert.match(
      lines[1]!,
      /^A & B +6 +3 +0\.444 \(0\.000 to .*\) +0\.889 \(0\.581 to 1\.000\) +\+0\.444 \(-?\S+ to \+\S+\)$/,
    );
    assert.match(lines[2]!, /^few +2 +1 +1\.000 \(-\) +1\.000 \(-\) +-$/);
    const { together, examples } = siteFacts(site) as { together: { auc: number }; examples: number };
    assert.deepEqual([examples, Math.round(9 * together.auc)], [6, 8]);
  });

  test('are curves on a page that needs nothing else', () => {
    const page = sitesPage('heart', ['healthy', 'disease'], results);
    assert.equal(page.match(/<svg /g)!.length, 6);
    assert.ok(page.includes('A &#38; B') && !page.includes('A & B'));
    assert.ok(!/(src|href)=|https?:|NaN|undefined/.test(page));
    // Up and down the axis alone, and from its corner to the other: 76 to 448 across, 194 to 30 up.
    const [roc] = /<svg .*?<\/svg>/s.exec(page)!;
    const together = /<path d="([^"]+)"[^>]*><title>together/.exec(roc)![1]!;
    assert.ok(together.startsWith('M76.0 194.0') && together.endsWith('L448.0 30.0'), together);
  });
});
