/** What came of a run at each of its sites, together and alone, on the site's own held-out examples. */
import { stat } from 'node:fs/promises';
import { twinFileOf } from '../../node/progress.ts';
import { type Answered, pooledAnswers } from '../../tasks/answered.ts';
import { type Assessment, pool } from '../../tasks/assessment.ts';
import type { TaskSpec } from '../../tasks/data/registry.ts';
import type { RunToEnd } from '../../testnet/run-to-end.ts';
import { siteNames } from '../../testnet/site-names.ts';
import { type Evaluation, evaluateSites } from './model/evaluations.ts';
import { findModel } from './model/model-source.ts';

export interface SiteResult<Judged = Assessment> {
  /** Of its data, or of its node where these have the same. */
  readonly name: string;
  readonly together: Judged;
  /** Of the twin that trained on its data alone. */
  readonly alone: Judged;
}

export interface SiteResults<Judged = Assessment> {
  readonly sites: readonly SiteResult<Judged>[];
  /** All examples of all sites; alone each by the model of its own site. */
  readonly pooled: SiteResult<Judged>;
}

export type FoundResults =
  /** Of two classes. */
  | { readonly kind: 'scores'; readonly results: SiteResults }
  /** Where answers are no classes. */
  | { readonly kind: 'answers'; readonly results: SiteResults<Answered> };

/** Where a site's model and data are. */
export interface Site {
  readonly name: string;
  readonly modelPath: string;
  readonly data: string;
}

/** Null where a node has no model of both, or where examples are of more than two classes. @throws DataFileError, DataShapeError */
export async function siteResultsOf(
  { last, testnet }: RunToEnd,
  signal: AbortSignal,
): Promise<FoundResults | null> {
  const dataOf = new Map(testnet.state.members.map(({ name, data }) => [name, data]));
  const titles = siteNames(testnet.state.members);
  const sites: Site[] = [];
  for (const { name, view } of last.nodes) {
    const data = dataOf.get(name);
    if (data === undefined || !view?.modelPath) return null;
    sites.push({ name: titles.get(name) ?? name, modelPath: view.modelPath, data });
  }
  return resultsAt(sites, testnet.spec.task, signal);
}

/** As `siteResultsOf`, of models and data that are there. */
export async function resultsAt(
  places: readonly Site[],
  task: TaskSpec,
  signal: AbortSignal,
): Promise<FoundResults | null> {
  const sites: SiteResult<Evaluation>[] = [];
  for (const { name, modelPath, data } of places) {
    const evaluated = async (file: string): Promise<Evaluation | null> => {
      if (!(await stat(file).catch(() => null))) return null;
      const [site] = await evaluateSites(await findModel(file), task, [data], signal);
      // Of more classes there is nothing to compare, and nothing more to measure.
      return site?.assessment?.scores || site?.answered ? site : null;
    };
    const together = await evaluated(modelPath);
    const alone = together && (await evaluated(twinFileOf(modelPath)));
    if (!together || !alone) return null;
    sites.push({ name, together, alone });
  }
  const scores = ofAll(sites, ({ assessment }) => (assessment?.scores ? assessment : null), pool);
  if (scores !== null) return { kind: 'scores', results: scores };
  const answers = ofAll(sites, ({ answered }) => answered, pooledAnswers);
  return answers && { kind: 'answers', results: answers };
}

/**
 * Of two classes what each node's model does on its own examples, of all nodes together: the area under their curve is not the mean of areas.
 * Null of other tasks, and where a node has no model or no data of its own. @throws DataFileError, DataShapeError
 */
export async function pooledClassesOf(
  { last, testnet }: Pick<RunToEnd, 'last' | 'testnet'>,
  signal: AbortSignal,
): Promise<Assessment | null> {
  const dataOf = new Map(testnet.state.members.map(({ name, data }) => [name, data]));
  const nodes = last.nodes.map(({ name, view }) => ({ view, data: dataOf.get(name) }));
  const sites: Assessment[] = [];
  // What the nodes told themselves says whether it is worth while.
  if (!nodes.every(({ view, data }) => view?.modelPath && view.figures?.confusion?.length === 2 && data))
    return null;
  for (const { view, data } of nodes) {
    const model = await findModel(view!.modelPath!);
    const [site] = await evaluateSites(model, testnet.spec.task, [data!], signal);
    if (!site?.assessment?.scores) return null;
    sites.push(site.assessment);
  }
  return sites.length === 0 ? null : pool(sites);
}

/** Null where a site lacks it. */
function ofAll<Judged>(
  sites: readonly SiteResult<Evaluation>[],
  of: (evaluation: Evaluation) => Judged | null,
  pooledOf: (all: readonly Judged[]) => Judged,
): SiteResults<Judged> | null {
  const judged = sites.flatMap(({ name, ...models }) => {
    const [together, alone] = [of(models.together), of(models.alone)];
    return together === null || alone === null ? [] : [{ name, together, alone }];
  });
  if (judged.length < sites.length || judged.length === 0) return null;
  const pooled = {
    name: 'all',
    together: pooledOf(judged.map((site) => site.together)),
    alone: pooledOf(judged.map((site) => site.alone)),
  };
  return { sites: judged, pooled };
}
