import type { RunView } from '../node/run-view.ts';
import { majorityOf, pool } from '../tasks/assessment.ts';

/**
 * A fraction over the held-out examples of all nodes, to six digits: a node of many examples counts for as many. `of` gives the fraction of
 * one node's own.
 */
export function pooled(
  views: readonly Pick<RunView, 'accuracy' | 'alone' | 'heldOutExamples'>[],
  of: (view: Pick<RunView, 'accuracy' | 'alone'>) => number | null | undefined,
): number {
  const examples = views.reduce((sum, { heldOutExamples }) => sum + heldOutExamples, 0);
  const right = views.reduce((sum, view) => sum + (of(view) ?? 0) * view.heldOutExamples, 0);
  return Math.round((1e6 * right) / Math.max(1, examples)) / 1e6;
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
          },
        ]
      : [],
  );
  if (sites.length === 0 || sites.length < views.length) return { majority: null, confusion: null };
  const all = pool(sites);
  return { majority: majorityOf(all).share, confusion: all.confusion };
}
