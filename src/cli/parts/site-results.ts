/** What came of a run at each of its sites, together and alone, on the site's own held-out examples. */
import { stat } from 'node:fs/promises';
import { twinFileOf } from '../../node/progress.ts';
import { type Assessment, pool } from '../../tasks/assessment.ts';
import type { RunToEnd } from '../../testnet/run-to-end.ts';
import { siteNames } from '../../testnet/site-names.ts';
import { evaluateSites } from './evaluations.ts';
import { findModel } from './model-source.ts';

export interface SiteResult {
  /** Of its data, or of its node where these have the same. */
  readonly name: string;
  readonly together: Assessment;
  /** Of the twin that trained on its data alone. */
  readonly alone: Assessment;
}

export interface SiteResults {
  readonly sites: readonly SiteResult[];
  /** All examples of all sites; alone each by the model of its own site. */
  readonly pooled: SiteResult;
}

/** Null where a node has no model of both, or where examples are of more than two classes. @throws DataFileError, DataShapeError */
export async function siteResultsOf(
  { last, testnet }: RunToEnd,
  signal: AbortSignal,
): Promise<SiteResults | null> {
  const dataOf = new Map(testnet.state.members.map(({ name, data }) => [name, data]));
  const titles = siteNames(testnet.state.members);
  const sites: SiteResult[] = [];
  for (const { name, view } of last.nodes) {
    const data = dataOf.get(name);
    const modelPath = view?.modelPath;
    if (data === undefined || !modelPath) return null;
    const assessed = async (file: string): Promise<Assessment | null> => {
      if (!(await stat(file).catch(() => null))) return null;
      const [site] = await evaluateSites(await findModel(file), testnet.spec.task, [data], signal);
      return site?.assessment?.scores ? site.assessment : null;
    };
    const together = await assessed(modelPath);
    const alone = together && (await assessed(twinFileOf(modelPath)));
    if (!together || !alone) return null;
    sites.push({ name: titles.get(name) ?? name, together, alone });
  }
  const pooled = {
    name: 'all',
    together: pool(sites.map((site) => site.together)),
    alone: pool(sites.map((site) => site.alone)),
  };
  return { sites, pooled };
}
