/**
 * Whether drawn auditors ever get to see what an author's trainings began with. Whoever links with friends alone and takes no other call is
 * audited by friends alone; but a drawn majority that reaches it neither way, again and again, while it publishes, says so.
 */
import type { PeerKey } from '../../core/io.ts';
import { type AuditCase, type AuditLook, type AuditState, headsMax, looksMax } from './audit-state.ts';
import type { Verdict } from './verdict.ts';

/** Audits of the last sixteen in which most could not look, while its author published: of so many it hides. Guess. */
const hiddenMin = 3;

/** Of an audit that is over; one in which nobody has spoken says nothing of its author. */
export function noteLook(
  { looks, heads }: AuditState,
  { author, since, votes }: AuditCase,
  { kind }: Exclude<Verdict, { kind: 'open' | 'doubt' }>,
): void {
  const isUnseen = kind === 'hidden' || kind === 'withheld';
  const isTrained = [...votes.values()].some(({ finding }) => finding === 'same' || finding === 'differs');
  const before = looks.get(author);
  if ((!isUnseen && !isTrained) || (!before && looks.size >= headsMax)) return;
  // It is there for the log and not for its auditors.
  const isThere = (heads.get(author)?.round ?? -1) > since;
  const look: AuditLook = !isUnseen ? 'seen' : isThere ? 'hidden' : 'absent';
  looks.set(author, [...(before ?? []), look].slice(-looksMax));
}

/**
 * Those whose deltas carry no weight until more of their audits are seen. Who was away may have had an accident, and may not more often than
 * in a quarter of its audits, and one. Where more than half of those would be who were audited and have published of late, it is the network, and
 * nobody is. `late`: the first round that counts as that.
 */
export function noteHiding({ looks, hiding, heads }: AuditState, round: number, late: number): void {
  const found = [...looks].flatMap(([author, lately]) => (isHiding(lately) ? [author] : []));
  const isThere = (author: PeerKey): boolean => (heads.get(author)?.round ?? -1) >= late;
  const [all, hidden] = [[...looks.keys()], found].map((authors) => authors.filter(isThere).length);
  const now = new Set(2 * hidden! > all! ? [] : found);
  for (const author of [...hiding.keys()]) if (!now.has(author)) hiding.delete(author);
  for (const author of now) if (!hiding.has(author)) hiding.set(author, round);
}

function isHiding(lately: readonly AuditLook[]): boolean {
  const hidden = lately.filter((look) => look === 'hidden').length;
  const unseen = unseenIn(lately);
  return hidden >= hiddenMin || (unseen >= hiddenMin && 4 * (unseen - 1) > lately.length);
}

function unseenIn(lately: readonly AuditLook[]): number {
  return lately.filter((look) => look !== 'seen').length;
}

/** For people; null of who was always seen. `isOut`: it hides. */
export function lookText(lately: readonly AuditLook[], isOut: boolean): string | null {
  const unseen = unseenIn(lately);
  if (unseen === 0) return null;
  const audits = lately.length === 1 ? 'the last audit' : `the last ${lately.length} audits`;
  const what = `in ${unseen} of ${audits} of its deltas most of those who were drawn could not see what it had trained: it neither answered them nor called them`;
  return isOut ? `its deltas carry no weight: ${what}` : what;
}

export const hidingAdvice =
  'make its node reachable, or let it reach others (starlings doctor), and keep it on for some rounds after it has published: its deltas weigh again once most of its audits can be made';
