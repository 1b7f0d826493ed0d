/** Comparisons: combinations, trials that are kept, figures with intervals, the three forms of the table. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { compareFileSchema, expand, loadComparison } from '../../sim/compare/compare-file.ts';
import { compareReport } from '../../sim/compare/compare-report.ts';
import { runComparison } from '../../sim/compare/run-comparison.ts';
import { summarise } from '../../sim/compare/summary.ts';
import { csvTable, markdownTable } from '../../sim/compare/tables.ts';
import {
  jobsOf,
  keptTrials,
  keyOf,
  mergeTrials,
  shardOf,
  type Trial,
  trialLine,
} from '../../sim/compare/trials.ts';
import { confidence } from '../../src/math/confidence.ts';
import { repositoryRoot } from '../architecture/source-tree.ts';

const content = compareFileSchema.parse({
  scenario: {
    peers: 9,
    learner: { id: 'quadratic', spread: 0.2 },
    run: {
      name: 'small',
      model: { kind: 'logistic-regression', inputs: 9, outputs: 2 },
      task: { kind: 'idx-images' },
      training: { localSteps: 3, learningRate: 0.1 },
      rounds: 12,
      slotMs: 1000,
    },
    signatures: 'simulated',
  },
  strategies: [
    { strategy: { id: 'd-psgd' } },
    { name: 'all', strategy: { id: 'diloco' } },
    { strategy: { id: 'choco' } },
  ],
  topologies: [{ id: 'torus' }, { id: 'random-matching' }],
  codecs: [{ id: 'identity' }, { id: 'top-k', chunk: null, perChunk: 5 }],
  seeds: [1, 2, 3],
  target: { accuracy: 0.5 },
});

describe('compare', () => {
  test('every strategy with every topology that it takes and every codec; what cannot be is named', () => {
    const { variants, left } = expand(content, undefined, 'x.yaml');
    assert.deepEqual(
      variants.map(({ name }) => name),
      [
        'd-psgd / torus / identity',
        'd-psgd / random-matching / identity',
        'all',
        'all',
        'choco / torus / identity',
        'choco / torus / top-k k=5',
      ],
    );
    assert.deepEqual(
      left.map(({ name }) => name),
      [
        'd-psgd / torus / top-k k=5',
        'd-psgd / random-matching / top-k k=5',
        'choco / random-matching / identity',
        'choco / random-matching / top-k k=5',
      ],
    );
    assert.match(left[0]!.reason, /biased/);
    assert.match(left[2]!.reason, /needs fixed ones/);
  });

  test('losses are compared with those of the baseline seed by seed, and a baseline that there is not is refused', () => {
    const liars = (name: string, more: object = {}) => ({ name, adversaries: [], ...more });
    const among = (...adversaries: object[]) =>
      expand(compareFileSchema.parse({ ...content, adversaries }), undefined, 'x.yaml');
    assert.throws(
      () => among(liars('flips', { baseline: 'silent' })),
      /x\.yaml: flips: the baseline silent is none/,
    );
    const { variants, target } = among(liars('silent'), liars('flips', { baseline: 'silent' }));
    const trialOf = (seed: number, loss: number): Trial => ({
      ...{ key: '0'.repeat(64), seed, end: 'finished', accuracy: 0.5, loss, consensusDistance: 0, models: 1 },
      ...{ payloadBitsPerParameter: 1, bytesPerPeer: 1, steps: 1, parameters: 1, peers: 1, curve: [] },
    });
    // Seed 3 is not done among the silent yet.
    const silent = [trialOf(1, 1), trialOf(2, 2)];
    const flips = [trialOf(1, 1.1), trialOf(2, 2.6), trialOf(3, 9)];
    const rows = summarise(
      new Map(variants.map((variant) => [variant, variant.baseline === null ? silent : flips])),
      target,
    );
    const [first] = rows.filter(({ variant }) => variant.baseline !== null);
    assert.ok(Math.abs(first!.lossOverBaseline!.mean - 0.2) < 1e-12);
    assert.ok(
      rows.every(
        ({ variant, lossOverBaseline }) => (variant.baseline === null) === (lossOverBaseline === null),
      ),
    );
    assert.match(markdownTable(rows, { variants, left: [], target, measurements: 1 }), /20\.0 ± 127\.1/);
  });

  test('a stopped comparison goes on where it stopped, and its tables agree with the trials', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'starlings-compare-'));
    try {
      const comparison = expand(content, undefined, 'x.yaml');
      const trialsFile = join(folder, 'trials.jsonl');
      const play = async (
        stopAfter: number,
      ): Promise<{ fresh: number; rows: ReturnType<typeof summarise> }> => {
        const abort = new AbortController();
        let fresh = 0;
        const trials = await runComparison({
          comparison,
          trialsFile,
          workers: 1,
          wallNowMs: () => 0,
          signal: abort.signal,
          onProgress: ({ number, total, later }) => {
            // Those that are done already stand before those that are not.
            assert.deepEqual([total, later], [18, 18 - number]);
          },
          onTrial: (_, __, ___, ____, seconds) => {
            if (seconds !== null && ++fresh === stopAfter) abort.abort();
          },
        });
        return { fresh, rows: summarise(trials, comparison.target) };
      };
      assert.equal((await play(7)).fresh, 7);
      const { fresh, rows } = await play(1000);
      assert.equal(fresh, 3 * 6 - 7);
      assert.equal((await play(1000)).fresh, 0);
      assert.equal((await readFile(trialsFile, 'utf8')).trim().split('\n').length, 18);
      assert.ok(rows.every(({ trials }) => trials.length === 3));
      const [first] = rows;
      assert.equal(first!.accuracy.mean, first!.trials.reduce((sum, { accuracy }) => sum + accuracy, 0) / 3);
      assert.equal(first!.bitsPerParameter.mean, 32);
      assert.ok(first!.reached === 3 && first!.roundsToTarget!.mean > 1);
      const markdown = markdownTable(rows, comparison);
      assert.equal(markdown.split('\n').filter((line) => line.startsWith('| ')).length, 2 + rows.length);
      assert.match(markdown, /Left out:\n- d-psgd \/ torus \/ top-k k=5: /);
      assert.equal(csvTable(rows).trim().split('\n').length, 1 + 18);
      const page = compareReport('small', rows, comparison);
      assert.ok(page.includes('<svg') && !/(src|href)=/.test(page), 'nothing from elsewhere');
      const frontier = /<svg [^>]*><title>Final loss over bits[\s\S]*?<\/svg>/.exec(page)![0];
      const methods = [...frontier.matchAll(/<path d="([^"]*)" class="c\d dot"/g)].map(([, path]) => path!);
      assert.equal(methods.length, rows.filter((row) => row.bitsPerParameter.mean > 0).length);
      assert.ok(
        methods.every((path) => !path.includes('L')),
        'no line from one method to another',
      );
      assert.match(page, /<td>d-psgd \/ torus \/ identity<\/td>/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('every simulation is in exactly one shard, whatever their number', () => {
    const jobs = Array.from({ length: 18 }, (_, k) => k);
    for (const count of [1, 4, 18, 25]) {
      const parts = Array.from({ length: count }, (_, k) => shardOf(jobs, { index: k + 1, count }));
      assert.deepEqual(
        parts.flat().sort((a, b) => a - b),
        jobs,
      );
      assert.ok(parts.every((part) => part.length <= Math.ceil(18 / count)));
    }
  });

  test('what shards kept is put together by key: conflicts are refused, what is missing or of others is counted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'starlings-merge-'));
    try {
      const { variants } = expand(content, undefined, 'x.yaml');
      const keys = jobsOf(variants).map(([, scenario]) => keyOf(scenario));
      const trial = (key: string, more: Partial<Trial> = {}): Trial => ({
        ...{ key, seed: 1, end: 'finished', accuracy: Number.NaN, loss: Number.POSITIVE_INFINITY },
        ...{ consensusDistance: 0, models: 1, payloadBitsPerParameter: 32, bytesPerPeer: 9, steps: 36 },
        ...{ parameters: 9, peers: 9, curve: [[1, Number.NaN, 0.25, 100]] },
        ...more,
      });
      const [a, b, c] = ['a.jsonl', 'b.jsonl', 'c.jsonl'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      await writeFile(
        a,
        keys
          .slice(9)
          .map((key) => trialLine(trial(key)))
          .join(''),
      );
      await writeFile(b, [...keys.slice(0, 8), 'f'.repeat(64)].map((key) => trialLine(trial(key))).join(''));
      const merged = await mergeTrials(variants, [a, b, a]);
      assert.deepEqual([merged.missing, merged.foreign, merged.lines.length], [1, 1, 17]);
      assert.deepEqual(
        merged.lines[0],
        trialLine(trial(keys[0]!)),
        'no figure becomes null, and the order is that of a whole run',
      );
      assert.equal([...merged.trials.values()].flat()[0]!.loss, Number.POSITIVE_INFINITY);

      await writeFile(c, trialLine(trial(keys[0]!, { loss: 1 })));
      await assert.rejects(
        mergeTrials(variants, [b, c]),
        /b\.jsonl and .*c\.jsonl tell seed 1 of one row differently/,
      );
      await writeFile(c, 'no trial\n');
      await assert.rejects(
        mergeTrials(variants, [c]),
        /c\.jsonl holds no trials: name what `compare --shard` wrote/,
      );

      // A line that was cut off by kill -9 takes the next one with it unless it is closed.
      await writeFile(c, `${trialLine(trial(keys[0]!))}{"key":"`);
      assert.equal((await keptTrials(c)).size, 1);
      await appendFile(c, trialLine(trial(keys[1]!)));
      assert.equal((await keptTrials(c)).size, 2);

      const ofLoss = summarise(new Map([[variants[0]!, [trial(keys[0]!)]]]), { loss: 0.5 });
      assert.equal(ofLoss[0]!.roundsToTarget?.mean, 1, 'a loss is reached where there is no accuracy');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("the interval is Student's: by hand for five values", () => {
    const { mean, half, count } = confidence([1, 2, 3, 4, 5]);
    assert.deepEqual([mean, count], [3, 5]);
    assert.ok(Math.abs(half! - 2.776 * Math.sqrt(2.5 / 5)) < 1e-12);
    assert.equal(confidence([7]).half, null);
  });

  for (const name of ['mnist', 'fashion-gn-lenet', 'text-gpt', 'absent']) {
    test(`configs/compare/${name}.yaml can be run in every combination`, async () => {
      const { variants, left } = await loadComparison(
        join(repositoryRoot, 'configs/compare', `${name}.yaml`),
      );
      assert.deepEqual(left, []);
      assert.ok(variants.every(({ scenarios }) => scenarios.length === 5));
    });
  }
});
