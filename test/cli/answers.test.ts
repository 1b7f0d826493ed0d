/** What is said of numbers and of several labels, of sites and of what a model is measured on. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pooledClassesOf } from '../../src/cli/parts/site-results.ts';
import { answerFacts, answerTables, renderAnswers } from '../../src/cli/view/render-answers.ts';
import { evaluationFacts, renderEvaluations } from '../../src/cli/view/render-evaluation.ts';
import { answersPage } from '../../src/cli/view/sites-page.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { evaluateModel } from '../../src/learning/tfjs/inference.ts';
import { rngFor } from '../../src/math/rng.ts';
import { type Answered, pooledAnswers } from '../../src/tasks/answered.ts';
import { areaUnderCurve, assess, pool } from '../../src/tasks/assessment.ts';
import { loadTaskData, type TaskSpec, taskSchema } from '../../src/tasks/data/registry.ts';
import { measuresOf } from '../../src/tasks/measures.ts';
import type { RunToEnd } from '../../src/testnet/run-to-end.ts';
import { numpyFiles } from '../tasks/numpy-files.ts';

const target = { name: 'dose', mean: 20, scale: 5, unit: 'mg' };

function numbers(seed: string, rows: number, spread = 1): Answered {
  const rng = rngFor(seed);
  const right = Float32Array.from({ length: rows }, () => 2 * rng.float() - 1);
  const said = right.map((answer) => answer + spread * (2 * rng.float() - 1));
  return { objective: { kind: 'regression', target }, right, said };
}

describe('a number at sites', () => {
  test('is told of each site and of all, on a page too', () => {
    const site = (name: string, rows: number) => ({
      name,
      together: numbers(name, rows, 0.5),
      alone: numbers(name, rows, 2),
    });
    const sites = [site('A & B', 60), site('few', 1)];
    const pooled = {
      name: 'all',
      together: pooledAnswers(sites.map(({ together }) => together)),
      alone: pooledAnswers(sites.map(({ alone }) => alone)),
    };
    const results = { sites, pooled };
    assert.deepEqual(
      answerTables(results).map(([head]) => head![2]),
      ['rmse alone (95 % interval)', 'mae alone (95 % interval)'],
    );
    const lines = renderAnswers(results, Number.POSITIVE_INFINITY).split('\n');
    assert.match(
      lines[1]!,
      /^A & B +60 +\S+ \(\S+ to \S+ mg\) +\S+ \(\S+ to \S+ mg\) +-\S+ \(-\S+ to -\S+\) mg$/,
    );
    assert.match(lines[2]!, /^few +1 +\S+ \(-\) +\S+ \(-\) +-$/);
    assert.match(lines[3]!, /^all +61 /);
    const { rmse } = answerFacts(sites[0]!) as { rmse: { difference: { high: number } } };
    assert.ok(rmse.difference.high < 0);
    const page = answersPage('doses', results);
    assert.equal(page.match(/<table>/g)!.length, 2);
    assert.ok(page.includes('A &#38; B') && !page.includes('A & B') && !/NaN|undefined|https?:/.test(page));
  });
});

describe('an evaluation', () => {
  const of = (task: object): TaskSpec => taskSchema.parse({ kind: 'arrays', shape: [2], ...task });

  test('of numbers has intervals of its errors', () => {
    const answered = numbers('one', 80);
    const { objective, right, said } = answered;
    const measures = measuresOf(objective, right, said);
    const task = of({ label: { kind: 'number', mean: 20, scale: 5, unit: 'mg' } });
    const metrics = { accuracy: null, loss: 1, examples: 80, measures };
    const one = { path: 'a.npz', metrics, assessment: null, answered };
    const [, intervals] = renderEvaluations([one], task).split('\n');
    assert.match(intervals!, /^ {2}95 % intervals: rmse \S+ to \S+ mg, mae \S+ to \S+ mg$/);
    const facts = evaluationFacts(one, task) as {
      rmse: number;
      intervals: { rmse: { low: number; high: number } };
    };
    assert.ok(facts.intervals.rmse.low < facts.rmse && facts.rmse < facts.intervals.rmse.high);
  });

  test('of classes says how far what the model says is from how often it is right', () => {
    const assessment = assess([0, 1, 1, 0], [0.7, 0.3, 0.7, 0.3, 0.1, 0.9, 0.7, 0.3], 2);
    const one = { path: null, metrics: { accuracy: 0.75, loss: 1, examples: 4 }, assessment, answered: null };
    assert.match(renderEvaluations([one], of({})), /\n {2}expected calibration error 0\.050 \(15 bins\)\n/);
    assert.ok(Math.abs((evaluationFacts(one, of({})) as { ece: number }).ece - 0.05) < 1e-9);
    const untold = { ...one, assessment: { ...assessment, calibration: null } };
    assert.ok(!renderEvaluations([untold], of({})).includes('calibration'));
  });
});

describe('the area under the curve of all nodes', () => {
  test('is that of all their examples, where there are two classes and each node has data and a model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'starlings-pooled-'));
    try {
      const task = taskSchema.parse({ kind: 'arrays', shape: [2], heldOutEvery: 3 });
      const model = { kind: 'logistic-regression', inputs: 2, outputs: 2 } as const;
      const data = join(folder, 'site.npz');
      await writeFile(data, Buffer.from(numpyFiles.plain, 'base64'));
      const files = await Promise.all(
        [Float32Array.of(1, -1, 0.5, 0, 0, 0), Float32Array.of(-1, 1, 0, 1, 0, 0.1)].map(
          async (vector, node) => {
            const file = join(folder, `${node}.safetensors`);
            await writeSafetensors(file, model, vector, { task: JSON.stringify(task) });
            return { file, vector };
          },
        ),
      );
      const endOf = (
        confusion: readonly (readonly number[])[] | null,
        members = files.map((_, node) => ({ name: `${node}`, data })),
      ) =>
        ({
          last: {
            nodes: files.map(({ file }, node) => ({
              name: `${node}`,
              view: { modelPath: file, figures: { confusion } },
            })),
          },
          testnet: { state: { members }, spec: { task } },
        }) as unknown as Pick<RunToEnd, 'last' | 'testnet'>;
      const { signal } = new AbortController();
      const all = (await pooledClassesOf(
        endOf([
          [1, 0],
          [0, 1],
        ]),
        signal,
      ))!;
      const { heldOut } = await loadTaskData(task, model, data);
      const own = await Promise.all(files.map(({ vector }) => evaluateModel(model, vector, heldOut)));
      assert.deepEqual(all, pool(own.map(({ assessment }) => assessment!)));
      assert.equal(all.examples, 12);
      assert.notEqual(areaUnderCurve(all), null);
      assert.equal(await pooledClassesOf(endOf(null), signal), null);
      assert.equal(
        await pooledClassesOf(
          endOf(
            [
              [1, 0],
              [0, 1],
            ],
            [{ name: '0', data }],
          ),
          signal,
        ),
        null,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
