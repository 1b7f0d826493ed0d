/** What protects a run from who takes part in it: what is so where its file does not say, and what of it people are told. */
import { type Membership, namedMembers } from '../core/membership.ts';
import { auditsProtect } from '../entries/audit/audit-kind.ts';
import { allianceProtects } from '../entries/ballot/ballot-kind.ts';
import { judgingSchema, protectionOf, unjudged } from '../entries/judging-registry.ts';
import { revocation } from '../entries/revocation/revocation-kind.ts';
import { rampDeltas } from '../log/entitlement.ts';
import { deltasOf, logOf, methodOf, methodSchema } from '../methods/registry.ts';
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
export function withProtection(given: RunSpec, { hasEvaluation, isOneHand }: Company): RunSpec {
  const spec = withRevocations(given);
  const { strategy, membership } = spec;
  const log = deltasOf(strategy);
  if (log === null || log.judging !== undefined) return spec;
  const isAmongStrangers = namedMembers(membership) === null && !isOneHand;
  const id = hasEvaluation ? 'scores' : isAmongStrangers ? 'votes' : null;
  if (id === null) return spec;
  return { ...spec, strategy: methodSchema.parse({ ...strategy, judging: judgingSchema.parse({ id }) }) };
}

/** What was given by an invitation can be taken back. */
function withRevocations(spec: RunSpec): RunSpec {
  const { strategy, membership } = spec;
  const log = logOf(strategy);
  const isThere = log?.kinds.includes(revocation.id) ?? true;
  if (membership.kind !== 'invite' || isThere || !('kinds' in strategy)) return spec;
  const kinds = [...strategy.kinds, { id: revocation.id }];
  return { ...spec, strategy: methodSchema.parse({ ...strategy, kinds }) };
}

function whoMay(membership: Membership): string {
  const ramp = `beside those who have worked, a key counts in full after ${rampDeltas} rounds of work`;
  switch (membership.kind) {
    case 'open':
      return `anybody may take part: ${ramp}, and keys cost nothing`;
    case 'work':
      return `anybody may take part whose key has found a nonce of ${membership.bits} bits: ${ramp}`;
    case 'invite':
      return `only who was invited has a say, over at most ${membership.depth} links from the creator: ${ramp}`;
    case 'allow-list':
      return `only the ${membership.members.length} keys that the manifest names have a say`;
    default:
      return membership satisfies never;
  }
}

const clippedTo = (factor: number): string =>
  factor === 1
    ? 'the median of a round'
    : `${factor} times the median of a round (clipFactor: 1 holds more among strangers, and costs a little: docs/RESULTS.md)`;

/** In sentences without an end; none where models are mixed, each node by its own aggregator. */
export function protectionsOf({ strategy, membership }: Pick<RunSpec, 'strategy' | 'membership'>): string[] {
  const log = deltasOf(strategy);
  const own = methodOf(strategy).protects?.(strategy, namedMembers(membership)?.length ?? null) ?? [];
  if (log === null) return own.length > 0 ? [whoMay(membership), ...own] : [];
  return [
    whoMay(membership),
    `norms are clipped to ${clippedTo(log.clipFactor)}, and who says two things at one place loses its weight`,
    log.judging ? protectionOf(log.judging) : unjudged,
    ...(log.alliance ? [allianceProtects(log.alliance)] : []),
    ...(log.audits ? [auditsProtect(log.audits)] : []),
  ];
}
