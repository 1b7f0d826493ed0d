/** What protects a run from who takes part in it: what is so where its file does not say, and what of it people are told. */
import { judgingSchema, protectionOf, unjudged } from '../entries/judging-registry.ts';
import { rampDeltas } from '../log/entitlement.ts';
import { logOf, methodSchema } from '../methods/registry.ts';
import type { RunSpec } from './run-spec.ts';

/** Who will take part as far as whoever makes the run knows. */
export interface Company {
  /** There is data that everybody may see, to judge deltas on. */
  readonly hasEvaluation: boolean;
  /** All nodes are those of whoever makes the run, as in a testnet. */
  readonly isOneHand: boolean;
}

/**
 * The run with what judges its deltas, where its file says nothing of it; `judging: null` says that nobody does. Named public data is there to
 * judge by: scores. In an open run without, votes. Those who are named in a run of members answer for what they publish, and data of few sites
 * differs too much for votes: there nobody judges, unless the file says so.
 */
export function withDefaultJudging(spec: RunSpec, { hasEvaluation, isOneHand }: Company): RunSpec {
  const { strategy, membership } = spec;
  const log = logOf(strategy);
  if (log === null || log.judging !== undefined) return spec;
  const isAmongStrangers = membership.kind === 'open' && !isOneHand;
  const id = hasEvaluation ? 'scores' : isAmongStrangers ? 'votes' : null;
  if (id === null) return spec;
  return { ...spec, strategy: methodSchema.parse({ ...strategy, judging: judgingSchema.parse({ id }) }) };
}

/** In sentences without an end; none where models are mixed, each node by its own aggregator. */
export function protectionsOf({ strategy, membership }: Pick<RunSpec, 'strategy' | 'membership'>): string[] {
  const log = logOf(strategy);
  if (log === null) return [];
  const who =
    membership.kind === 'open'
      ? `anybody may take part: beside those who have worked, a key counts in full after ${rampDeltas} rounds of work, and keys cost nothing`
      : `only the ${membership.members.length} keys that the manifest names have a say`;
  return [
    who,
    'norms are clipped, and who says two things at one place loses its weight',
    log.judging ? protectionOf(log.judging) : unjudged,
  ];
}
