/** Judges what arrives, whichever way it came: size, form, signature, run, membership, place, round, novelty, kind, body. */
import type { RefusalReason, Verdict } from '../core/io.ts';
import type { LogEntry } from './entry-kind.ts';
import { announcementBytesMax, type Envelope, type EnvelopeContext, openEnvelope } from './envelope.ts';
import type { Kinds, LogFrame } from './log-state.ts';
import type { Replica } from './replica.ts';

export type Judgement =
  | { readonly kind: 'admitted'; readonly entry: LogEntry }
  /** All but the body is here and good. */
  | { readonly kind: 'bodiless'; readonly envelope: Envelope }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly verdict: Verdict };

export interface AdmissionOptions {
  readonly replica: Replica;
  readonly kinds: Kinds;
  readonly frame: LogFrame;
  readonly envelopes: EnvelopeContext;
}

const refused = (reason: RefusalReason, verdict: Verdict): Judgement => ({
  kind: 'refused',
  reason,
  verdict,
});

/** An announcement, first-hand or forwarded by gossip. */
export function judgeAnnouncement(bytes: Uint8Array, slot: number, options: AdmissionOptions): Judgement {
  const { replica, frame, kinds } = options;
  if (bytes.length > announcementBytesMax) return refused('oversized', 'reject');
  const opened = openEnvelope(bytes, options.envelopes);
  if (!opened.ok) return refused(opened.reason, 'reject');
  const { envelope } = opened;
  const { author, round } = envelope;
  if (!hasPlace(envelope, kinds)) return refused('malformed', 'reject');
  if (round > slot + 1) return refused('too-early', 'ignore');
  if (replica.log.entry(envelope.id)) return refused('replayed', 'ignore');
  if (round < slot - frame.admitRounds || round <= replica.base.round) return refused('too-late', 'ignore');
  if (replica.isComplete) return refused('too-late', 'ignore');
  const bannedSince = replica.base.banned.get(author);
  // Two windows later every peer has folded the proof, so that refusing cannot make logs differ. But one that catches up has not, and
  // passes it on in good faith.
  if (bannedSince !== undefined && round > bannedSince + 2 * frame.windowRounds) {
    return refused('equivocation', 'ignore');
  }
  const kind = kinds[envelope.kind]!;
  const states = replica.base.kinds;
  const stateOf = (id: string): unknown => states[kinds.findIndex((one) => one.id === id)];
  const reason = kind.admit(envelope, states[envelope.kind], stateOf);
  if (reason) return refused(reason, 'ignore');
  if (!envelope.body) return { kind: 'bodiless', envelope };
  const entry = replica.open(envelope);
  return entry ? { kind: 'admitted', entry } : refused('bad-body', 'reject');
}

/**
 * An entry that a peer holds in an open round: its round was admitted there, so only its form is judged. Null for one that
 * should not exist.
 */
export function judgePulled(
  envelope: Envelope,
  options: Pick<AdmissionOptions, 'kinds' | 'replica'>,
): LogEntry | null {
  if (!hasPlace(envelope, options.kinds)) return null;
  return options.replica.open(envelope);
}

/** The run has such a kind, and an author so many entries of it in a round; what is logged is anchored. */
function hasPlace({ kind, index, anchor }: Envelope, kinds: Kinds): boolean {
  return index < (kinds[kind]?.perAuthorAndRound ?? 0) && anchor !== null;
}
