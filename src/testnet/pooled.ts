import type { RunView } from '../node/view/run-view.ts';
import { majorityOf, pool } from '../tasks/assessment.ts';
import { headlineOf, type Measure, pooledMeasure } from '../tasks/measures.ts';

type Measured = Parameters<typeof headlineOf>[0];

/**
 * The figure to look at over the held-out examples of all nodes, to six digits: a node of many examples counts for as many. `of` gives what
 * one node has measured; a node without is passed over. Null where none has.
 */
export function pooled<View extends Pick<RunView, 'heldOutExamples'>>(
  views: readonly View[],
  of: (view: View) => Measured | null,
): Measure | null {
  const sites = views.flatMap((view) => {
    const measured = of(view);
    const measure = measured && headlineOf(measured);
    return measure && view.heldOutExamples > 0 ? [{ measure, examples: view.heldOutExamples }] : [];
  });
  const all = pooledMeasure(sites);
  return all && { ...all, value: Math.round(1e6 * all.value) / 1e6 };
}

/** By counts; null where a node has none. */
export function pooledFigures(views: readonly Pick<RunView, 'figures'>[]): {
  readonly majority: number | null;
  readonly confusion: readonly (readonly number[])[] | null;
} {
  const sites = views.flatMap(({ figures }) =>
    figures?.confusion
      ? [
          {
            confusion: figures.confusion,
            examples: figures.confusion.flat().reduce((a, b) => a + b, 0),
            scores: null,
            calibration: null,
          },
        ]
      : [],
  );
  if (sites.length === 0 || sites.length < views.length) return { majority: null, confusion: null };
  const all = pool(sites);
  return { majority: majorityOf(all).share, confusion: all.confusion };
}
