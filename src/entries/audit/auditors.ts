/** Who audits: deltas and auditors are drawn by the root, by what auditors have worked and by how often they spoke when they were drawn. */
import { bytesToHex, hexToBytes, keyToBytes } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { PeerKey } from '../../core/io.ts';
import type { FinalRound } from '../../log/entry-kind.ts';
import { haveWorked } from '../have-worked.ts';
import { type AuditCase, type AuditState, attendedMax, headsMax } from './audit-state.ts';
import { againOf, stagesMax } from './stages.ts';
import { drawnInStage, spokeInVain } from './verdict.ts';

type Publishing = Pick<FinalRound<unknown>, 'root' | 'publishers' | 'banned' | 'isSilenced' | 'standingOf'>;

/** Those with the lowest words of hashes over the root, which nobody could foresee. `stage`: they are drawn for. */
export function drawAuditors(
  state: AuditState,
  one: Pick<AuditCase, 'id' | 'author' | 'auditors' | 'votes'>,
  stage: number,
  final: Publishing,
  crypto: Crypto,
): PeerKey[] {
  const domain = new TextEncoder().encode(`auditor/${stage}`);
  return candidates(state, final, one)
    .map((peer) => {
      const hash = crypto.sha256(domain, final.root, hexToBytes(one.id), keyToBytes(peer));
      const view = new DataView(hash.buffer, hash.byteOffset);
      // At last nearly all are asked: who is silent then speaks for the author.
      const attendance = stage < stagesMax - 1 ? attendanceOf(state, peer) : 1;
      const words = Math.min(
        wordsMax,
        Math.max(1, Math.round(wordsMax * final.standingOf(peer) * attendance)),
      );
      const lowest = Math.min(...Array.from({ length: words }, (_, at) => view.getUint16(2 * at)));
      return { peer, lowest, hash: bytesToHex(hash) };
    })
    .sort((a, b) => a.lowest - b.lowest || (a.hash < b.hash ? -1 : 1))
    .slice(0, drawnInStage(stage, one.votes))
    .map(({ peer }) => peer);
}

/** Whole 16ths: as many words of a hash each has in the draw. */
const wordsMax = 16;

/** Who was found wrong as an auditor is none any more; keys that have just come do not convict anybody. */
function candidates(
  { marks }: AuditState,
  { publishers, banned, isSilenced, standingOf }: Publishing,
  { author, auditors }: Pick<AuditCase, 'author' | 'auditors'>,
): readonly PeerKey[] {
  const free = [...new Set(publishers)].filter(
    (peer) =>
      peer !== author &&
      !auditors.includes(peer) &&
      !banned.has(peer) &&
      !isSilenced(peer) &&
      (marks.get(peer)?.overruled ?? 0) === 0,
  );
  return haveWorked(free, standingOf);
}

/** Share of the audits that it was drawn for lately in which its word was good for something, as if there were one such besides; in (0, 1]. */
function attendanceOf({ attended }: AuditState, peer: PeerKey): number {
  const lately = attended.get(peer) ?? [];
  return (lately.filter(Boolean).length + 1) / (lately.length + 1);
}

/** Of an audit that is over. */
export function noteAttendance({ attended }: AuditState, one: AuditCase): void {
  const inVain = new Set(spokeInVain(one));
  for (const auditor of one.auditors) {
    const before = attended.get(auditor);
    if (!before && attended.size >= headsMax) continue;
    attended.set(auditor, [...(before ?? []), !inVain.has(auditor)].slice(-attendedMax));
  }
}

/** Drawn for fewer, nobody is told of it. */
const toldFrom = 4;

/** For people, of who is hardly ever there; null of others. */
export function attendanceText(lately: readonly boolean[]): string | null {
  const missed = lately.filter((isGood) => !isGood).length;
  if (lately.length < toldFrom || 2 * missed <= lately.length) return null;
  return (
    `of the last ${lately.length} audits that it was drawn for it said nothing in ${missed}, or that nothing was shown to it where most were shown ` +
    'all: it is asked first the more seldom for that'
  );
}

export function isDrawn(root: Uint8Array, id: string, rate: number, crypto: Crypto): boolean {
  return shareOf('audit', root, id, crypto) < rate * 2 ** 32;
}

/** Whether another trains again what the first auditor found to be the same, by a root that it could not foresee. */
export function isDrawnAgain(root: Uint8Array, id: string, crypto: Crypto): boolean {
  return shareOf('audit again', root, id, crypto) < 2 ** 32 / againOf;
}

/** Of 2³². */
function shareOf(domain: string, root: Uint8Array, id: string, crypto: Crypto): number {
  const hash = crypto.sha256(new TextEncoder().encode(domain), root, hexToBytes(id));
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0);
}
