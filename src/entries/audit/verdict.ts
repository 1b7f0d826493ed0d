/** What the auditors of a delta come to: one, then three more where it found something, then seven where those are not of one mind. */
import type { PeerKey } from '../../core/io.ts';
import type { AuditCase, AuditVote } from './audit-state.ts';

/** Drawn at first, and whenever that leaves a doubt. */
export const auditorsOfStage = [1, 3, 7] as const;
/** Who say so before an author is held to anything, where as many are drawn; of fewer it takes more than half, and never one alone. */
const accusersMax = 3;
/** A majority of so many says of who stood against it that it was wrong. */
const majorityMin = 3;

function quorumOf(drawn: number): number {
  return Math.max(2, Math.min(accusersMax, Math.floor(drawn / 2) + 1));
}

export type Verdict =
  | { readonly kind: 'open' }
  /** More auditors are wanted. */
  | { readonly kind: 'doubt' }
  | {
      readonly kind: 'innocent' | 'differs' | 'withheld';
      /** Who said otherwise, against enough others. */
      readonly overruled: readonly PeerKey[];
    };

/**
 * Whom a record was shown to only its author can choose: that it was withheld from some and not from others says nothing of either.
 *
 * `isLate`: nothing that is said of it counts any more.
 */
export function verdictOn({ stage, auditors, votes }: AuditCase, isLate: boolean): Verdict {
  if (!isLate && votes.size < auditors.length) return { kind: 'open' };
  const { same, differs, withheld } = counted(votes);
  const guilty = differs.length + withheld.length;
  // One alone convicts nobody, and who says nothing accuses nobody.
  if (stage === 0 && guilty === 0) return { kind: 'innocent', overruled: [] };
  const asked = auditors.slice(auditorsOfStage[0]);
  const isUnanimous = (ones: readonly PeerKey[]): boolean =>
    asked.filter((auditor) => ones.includes(auditor)).length === auditorsOfStage[1] &&
    asked.length === auditorsOfStage[1];
  const isSettled = stage === 1 && (isUnanimous(same) || isUnanimous(differs) || isUnanimous(withheld));
  if (stage < 2 && !isSettled) return { kind: 'doubt' };
  const quorum = quorumOf(auditors.length);
  if (guilty <= same.length || guilty < quorum) {
    const accusers = [...votes].flatMap(([auditor, { finding }]) => (finding === 'differs' ? [auditor] : []));
    return { kind: 'innocent', overruled: same.length >= majorityMin ? accusers : [] };
  }
  if (differs.length < Math.max(quorum, withheld.length)) return { kind: 'withheld', overruled: [] };
  return { kind: 'differs', overruled: differs.length >= majorityMin ? same : [] };
}

/** Of those who say that it differs, only those count who come to the same themselves: honest ones do. */
function counted(votes: ReadonlyMap<PeerKey, AuditVote>): Record<AuditVote['finding'], readonly PeerKey[]> {
  const of = (finding: AuditVote['finding']): PeerKey[] =>
    [...votes].flatMap(([auditor, vote]) => (vote.finding === finding ? [auditor] : []));
  const byResult = Map.groupBy(of('differs'), (auditor) => votes.get(auditor)!.result);
  const differs = [...byResult.values()].sort((a, b) => b.length - a.length)[0] ?? [];
  return { same: of('same'), differs, withheld: of('withheld') };
}
