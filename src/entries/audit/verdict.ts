/**
 * What the auditors of a delta come to: one, then three more where it found something or one where it said nothing, then nearly everybody where
 * one of them accuses. Convicted is by more than half of all who were drawn, so that silence speaks for an author and never against it.
 */
import type { PeerKey } from '../../core/io.ts';
import type { AuditCase, AuditVote } from './audit-state.ts';
import { againDrawn, firstDrawn, lastDrawn, stagesMax, thenDrawn } from './stages.ts';

/** A majority of so many says of who stood against it that it was wrong; and nobody is convicted by one. */
const [majorityMin, quorumMin] = [3, 2];

function quorumOf(drawn: number): number {
  return Math.max(quorumMin, Math.floor(drawn / 2) + 1);
}

/** Auditors that are drawn in a stage, by what those before have said. */
export function drawnInStage(stage: number, votes: AuditCase['votes']): number {
  if (stage !== 1) return stage === 0 ? firstDrawn : lastDrawn;
  const [first] = votes.values();
  return !first || first.finding === 'same' ? againDrawn : thenDrawn;
}

export type Verdict =
  | { readonly kind: 'open' }
  /** More auditors are wanted. */
  | { readonly kind: 'doubt' }
  | {
      readonly kind: 'innocent' | 'differs' | 'withheld' | 'hidden';
      /** Who said otherwise, against more than half of those drawn. */
      readonly overruled: readonly PeerKey[];
    };

/**
 * Whom a record was shown to only its author can choose: that it was withheld from some and not from others says nothing of either.
 *
 * `isLate`: nothing that is said of it counts any more. `isAgain`: one who finds it the same is looked at itself.
 */
export function verdictOn({ stage, auditors, votes }: AuditCase, isLate: boolean, isAgain: boolean): Verdict {
  if (!isLate && votes.size < auditors.length) return { kind: 'open' };
  const { same, differs, withheld, unreached } = counted(votes);
  const shown = differs.length + withheld.length;
  const guilty = shown + unreached.length;
  // One alone convicts nobody; nor does one who says nothing, or that all is well, close what others have not looked at.
  if (stage === 0) {
    const isWell = same.length > 0 && !isAgain;
    return isWell ? { kind: 'innocent', overruled: [] } : { kind: 'doubt' };
  }
  const asked = auditors.slice(firstDrawn);
  const isUnanimous = asked.length === thenDrawn && asked.every((auditor) => same.includes(auditor));
  // Four are too few to convict anybody for good.
  const isSettled = stage === 1 && (guilty === 0 || isUnanimous);
  if (stage < stagesMax - 1 && !isSettled) return { kind: 'doubt' };
  const quorum = quorumOf(auditors.length);
  const isMajority = (ones: readonly PeerKey[]): boolean => ones.length >= Math.max(quorum, majorityMin);
  if (guilty < quorum) {
    const accusers = [...votes].flatMap(([auditor, { finding }]) => (finding === 'differs' ? [auditor] : []));
    return { kind: 'innocent', overruled: isMajority(same) ? accusers : [] };
  }
  if (shown < quorum) return { kind: 'hidden', overruled: [] };
  if (differs.length < quorum) return { kind: 'withheld', overruled: [] };
  return { kind: 'differs', overruled: isMajority(differs) ? same : [] };
}

/**
 * Those of an audit that is over who have said nothing, or that they were shown nothing, or did not reach its author, where three and most of those who spoke were. That is held against them
 * no further: an author may choose whom it shows nothing, and is one of many.
 */
export function spokeInVain({ auditors, votes }: AuditCase): readonly PeerKey[] {
  const unshown = [...votes.values()].filter(({ finding }) => isUnshown(finding)).length;
  const shown = votes.size - unshown;
  const isContradicted = shown >= majorityMin && shown > unshown;
  return auditors.filter((auditor) => {
    const finding = votes.get(auditor)?.finding;
    return finding === undefined || (isUnshown(finding) && isContradicted);
  });
}

function isUnshown(finding: AuditVote['finding']): boolean {
  return finding === 'withheld' || finding === 'unreached';
}

/** Of those who say that it differs, only those count who come to the same themselves: honest ones do. */
function counted(votes: ReadonlyMap<PeerKey, AuditVote>): Record<AuditVote['finding'], readonly PeerKey[]> {
  const of = (finding: AuditVote['finding']): PeerKey[] =>
    [...votes].flatMap(([auditor, vote]) => (vote.finding === finding ? [auditor] : []));
  const byResult = Map.groupBy(of('differs'), (auditor) => votes.get(auditor)!.result);
  const differs = [...byResult.values()].sort((a, b) => b.length - a.length)[0] ?? [];
  return { same: of('same'), differs, withheld: of('withheld'), unreached: of('unreached') };
}
