import type { RunView } from '../node/run-view.ts';

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
