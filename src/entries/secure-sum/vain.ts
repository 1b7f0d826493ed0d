/**
 * Sums that were opened and came to nothing. Somebody may know such a sum all the same, and what was in it goes back to its authors and is
 * sent again: the difference of it and a later one is what those have sent who are in one of the two. So nothing is opened that would tell of
 * few, until all of what was in it has been in sums that counted.
 */
import type { PeerKey } from '../../core/io.ts';
import { roundOf, type SecureSumRules } from './rules.ts';

export interface VainSum {
  /** Whose vectors were opened, ascending. */
  readonly members: readonly PeerKey[];
  /** Epochs, one after the other, of which all of these were in sums that counted since; `until` is not one. */
  readonly from: number;
  readonly until: number;
}

/** What the rule goes by: the log as it stands. */
export interface Remembered {
  /** By epoch, one for the same members. */
  readonly vain: ReadonlyMap<number, VainSum>;
  readonly excluded: ReadonlyMap<PeerKey, number>;
}

/** So many are remembered; with more nothing is opened any more. Guess. */
export const vainKept = 64;
const namesShown = 4;

/** By how many a sum must differ on a side: that those who lie together subtract themselves, and no single one is left. */
const apart = ({ corrupt }: Pick<SecureSumRules, 'corrupt'>): number => corrupt + 2;

/**
 * Why the vectors of these members may not be opened, as the end of a sentence about a sum; null where they may. Those who are in no
 * committee any more do not count: they cannot come back.
 */
export function whyClosed(
  included: readonly PeerKey[],
  { vain, excluded }: Remembered,
  rules: Pick<SecureSumRules, 'corrupt'>,
): string | null {
  if (vain.size > vainKept) {
    return `not opened: more than ${vainKept} sums were opened in vain; only a new run goes on`;
  }
  for (const [epoch, { members }] of vain) {
    const missing = members.filter((member) => !included.includes(member) && !excluded.has(member));
    const added = included.filter((member) => !members.includes(member) && !excluded.has(member));
    const isFew = (side: readonly PeerKey[]): boolean => side.length > 0 && side.length < apart(rules);
    if (!isFew(missing) && !isFew(added)) continue;
    const since = `epoch ${epoch}, opened in vain`;
    if (missing.length === 0) return `not opened: ${namesOf(added)} not in that of ${since}`;
    return `not opened: ${namesOf(missing)} missing since ${since}: must come back, or make a new run`;
  }
  return null;
}

function namesOf(members: readonly PeerKey[]): string {
  const names = members.slice(0, namesShown).map((member) => member.slice(0, 8));
  const more = members.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}

/** Whether the vector of a member would keep its sum closed: too few of the committee were not in a sum that was opened in vain. */
export function mustWait(
  self: PeerKey,
  committee: readonly PeerKey[],
  { vain, excluded }: Remembered,
  rules: Pick<SecureSumRules, 'corrupt'>,
): boolean {
  return [...vain.values()].some(({ members }) => {
    const others = committee.filter((member) => !members.includes(member) && !excluded.has(member));
    return others.includes(self) && others.length < apart(rules);
  });
}

/** Remembers a sum that was opened in vain; one of the same members before it tells no more than it. */
export function rememberVain(vain: Map<number, VainSum>, epoch: number, members: readonly PeerKey[]): void {
  for (const [before, { members: those }] of vain) {
    if (those.length === members.length && those.every((member) => members.includes(member)))
      vain.delete(before);
  }
  if (vain.size <= vainKept) vain.set(epoch, { members, from: 0, until: 0 });
}

/** Forgets what has been made good: all who were in it have sent all coordinates anew, which took a whole cycle, in sums that counted. */
export function makeGood(
  {
    vain,
    excluded,
  }: { readonly vain: Map<number, VainSum>; readonly excluded: ReadonlyMap<PeerKey, number> },
  epoch: number,
  authors: readonly PeerKey[],
  rules: SecureSumRules,
): void {
  const { cycle } = rules;
  for (const [before, one] of vain) {
    // Who sends a vector knows what is final up to the round of the shares: what was in vain has gone back by then.
    if (roundOf('shares', epoch, rules) < roundOf('open', before, rules)) continue;
    if (!one.members.every((member) => authors.includes(member) || excluded.has(member))) continue;
    const from = one.until === epoch && one.until > one.from ? one.from : epoch;
    const cycleEnd = Math.ceil(from / cycle) * cycle + cycle;
    if (cycleEnd <= epoch + 1) vain.delete(before);
    else vain.set(before, { ...one, from, until: epoch + 1 });
  }
}

/** Bytes of all that is remembered, generously. */
export function vainBytesMax({ committeeSize }: Pick<SecureSumRules, 'committeeSize'>): number {
  return (vainKept + 1) * (64 + 40 * committeeSize);
}
