/** A model measured on the held-out examples of one or of several sites. */
import { evaluateModel } from '../../../learning/tfjs/inference.ts';
import { type Answered, pooledAnswers } from '../../../tasks/answered.ts';
import { type Assessment, pool } from '../../../tasks/assessment.ts';
import { loadTaskData, type TaskSpec } from '../../../tasks/data/registry.ts';
import { measuresOf } from '../../../tasks/measures.ts';
import type { Metrics } from '../../../tasks/metrics.ts';
import type { FoundModel } from './model-source.ts';

export interface Evaluation {
  /** Where the examples are; null for all sites together. */
  readonly path: string | null;
  readonly metrics: Metrics;
  /** null where an example has many answers, as in a text. */
  readonly assessment: Assessment | null;
  /** null where answers are classes. */
  readonly answered: Answered | null;
}

/** How far it is: rows of the site under way, and which of how many sites it is. */
export interface EvaluationProgress {
  readonly site: number;
  readonly sites: number;
  readonly done: number;
  readonly rows: number;
}

/** One for each path, and where there are several one for all of their examples. @throws DataFileError, DataShapeError */
export async function evaluateSites(
  { model, vector }: Pick<FoundModel, 'model' | 'vector'>,
  task: TaskSpec,
  paths: readonly string[],
  signal: AbortSignal,
  onProgress?: (progress: EvaluationProgress) => void,
): Promise<readonly Evaluation[]> {
  const sites: Evaluation[] = [];
  for (const path of paths) {
    const { heldOut } = await loadTaskData(task, model, path);
    const place = { site: sites.length + 1, sites: paths.length };
    const onRows = (done: number, rows: number): void => onProgress?.({ ...place, done, rows });
    const { answered = null, ...metrics } = await evaluateModel(model, vector, heldOut, {
      ...{ signal, onRows },
      keepsAnswers: true,
    });
    sites.push({ path, metrics, assessment: metrics.assessment ?? null, answered });
  }
  return sites.length > 1 ? [...sites, together(sites)] : sites;
}

/** By counts: a site of many examples weighs as much as they do. */
function together(sites: readonly Evaluation[]): Evaluation {
  const examples = sites.reduce((sum, { metrics }) => sum + metrics.examples, 0);
  const mean = (of: (metrics: Metrics) => number | null) =>
    sites.reduce((sum, { metrics }) => sum + (of(metrics) ?? 0) * metrics.examples, 0) / examples;
  const answers = sites.flatMap(({ answered }) => answered ?? []);
  const answered = answers.length === sites.length ? pooledAnswers(answers) : null;
  const measures = answered === null ? [] : measuresOf(answered.objective, answered.right, answered.said);
  const assessments = sites.flatMap(({ assessment }) => assessment ?? []);
  return {
    path: null,
    metrics: {
      accuracy: sites.some(({ metrics }) => metrics.accuracy === null)
        ? null
        : mean(({ accuracy }) => accuracy),
      loss: mean(({ loss }) => loss),
      examples,
      ...(measures.length > 0 ? { measures } : {}),
    },
    assessment: assessments.length === sites.length ? pool(assessments) : null,
    answered,
  };
}
