/** Judges what arrives, whichever way it came: size, form, signature, run, membership, round, novelty, sortition, body. */
import type { PeerKey, RefusalReason, Verdict } from '../core/io.ts';
import { announcementBytesMax, type Envelope, openEnvelope } from './envelope.ts';
import { messageTicket, sortitionThreshold } from './fold.ts';
import type { LogMessage } from './log-book.ts';
import type { Replica, ReplicaContext } from './replica.ts';

/** Admission is this much looser than the fold's own sortition, for peers may be a few rounds apart. */
const committeeSlack = 2;

export type Judgement =
  | { readonly kind: 'admitted'; readonly message: LogMessage }
  /** All but the body is here and good. */
  | { readonly kind: 'bodiless'; readonly envelope: Envelope }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly verdict: Verdict };

export interface AdmissionOptions {
  readonly replica: Replica;
  readonly context: ReplicaContext;
  readonly isMember: (peer: PeerKey) => boolean;
  readonly rounds: number;
}

const refused = (reason: RefusalReason, verdict: Verdict): Judgement => ({
  kind: 'refused',
  reason,
  verdict,
});

/** An announcement, first-hand or forwarded by gossip. */
export function judgeAnnouncement(bytes: Uint8Array, slot: number, options: AdmissionOptions): Judgement {
  const { replica, context } = options;
  const { spec } = context;
  if (bytes.length > announcementBytesMax) return refused('oversized', 'reject');
  const opened = openEnvelope(bytes, context);
  if (!opened.ok) return refused(opened.reason, 'reject');
  const { envelope } = opened;
  const { author, round } = envelope;
  if (!options.isMember(author)) return refused('not-a-member', 'reject');
  if (isTooEarly(round, slot, options)) return refused('too-early', 'ignore');
  if (replica.log.message(envelope.id)) return refused('replayed', 'ignore');
  if (round < slot - spec.admitRounds || round <= replica.base.round) return refused('too-late', 'ignore');
  const bannedSince = replica.base.banned.get(author);
  // Two windows later every peer has folded the proof, so that refusing cannot make logs differ.
  if (bannedSince !== undefined && round > bannedSince + 2 * spec.windowRounds) {
    return refused('equivocation', 'reject');
  }
  const threshold = sortitionThreshold(replica.base, round, spec);
  if (messageTicket(context, envelope) >= committeeSlack * threshold) {
    return refused('not-in-committee', 'ignore');
  }
  if (!envelope.body) return { kind: 'bodiless', envelope };
  const message = replica.open(envelope);
  return message ? { kind: 'admitted', message } : refused('bad-body', 'reject');
}

/**
 * A message that a peer holds in an open round: its round was admitted there, so only its form is judged. Null for one that
 * should not exist.
 */
export function judgePulled(envelope: Envelope, slot: number, options: AdmissionOptions): LogMessage | null {
  if (!options.isMember(envelope.author) || isTooEarly(envelope.round, slot, options)) return null;
  return options.replica.open(envelope);
}

function isTooEarly(round: number, slot: number, { rounds }: AdmissionOptions): boolean {
  return round > slot + 1 || round >= rounds;
}
