import type { PeerKey, RefusalReason } from '../../core/io.ts';
import { type EnvelopeContext, openEnvelope } from '../../log/envelope.ts';
import type { MixingPeer, Parcel, Received } from './mixing-peer.ts';
import type { Neighbourhood } from './neighbourhood.ts';
import type { ParcelCoding } from './parcel-coding.ts';

/** Senders whose parcels are kept for the next mix; those of more are refused. */
const sendersMax = 256;
/** Parcels kept of one sender: a later one takes the place of the earliest. */
const perSenderMax = 8;

export interface InboxOptions {
  readonly context: EnvelopeContext;
  readonly coding: ParcelCoding;
  readonly isMember: (peer: PeerKey) => boolean;
  readonly hoods: Neighbourhood;
  readonly rounds: number;
  /** Who judges the form of a parcel, and may take it in at once. */
  readonly peer: MixingPeer;
}

/** A parcel that may come in, and the number of its sender. */
export interface Admitted {
  readonly round: number;
  readonly from: number;
  readonly parcel: Parcel;
}

/** What others pushed: judged at the door, kept until the next mix. */
export class Inbox {
  readonly #options: InboxOptions;
  /** Parcels that arrived since the last mix, by sender. */
  readonly #parcels = new Map<PeerKey, Parcel[]>();
  /** Newest round heard of each sender, where what is not newer is a replay, and the number of rounds it was heard in. */
  readonly #heard = new Map<PeerKey, { round: number; rounds: number }>();

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Rounds that each peer was heard in. */
  get heard(): ReadonlyMap<PeerKey, { readonly rounds: number }> {
    return this.#heard;
  }

  get isEmpty(): boolean {
    return this.#parcels.size === 0;
  }

  /** Judges size, form, signature and run, membership, novelty, round, body, in this order. */
  judge(from: PeerKey, bytes: Uint8Array, slot: number): Admitted | RefusalReason {
    const { context, coding, isMember, hoods, rounds, peer } = this.#options;
    const opened = openEnvelope(bytes, context);
    if (!opened.ok) return opened.reason;
    const { author, round, body } = opened.envelope;
    const number = isMember(author) ? hoods.numberOf(from) : undefined;
    if (number === undefined) return 'not-a-member';
    // A peer sends its own parcels and nobody else's: what another signed is a replay.
    const heard = this.#heard.get(from);
    const isReplay = round < (heard?.round ?? -1) || (round === heard?.round && !peer.answer);
    if (author !== from || isReplay) return 'replayed';
    if (round > slot + 1 || round >= rounds) return 'too-early';
    if (round < slot - 1) return 'too-late';
    const hasRoom = this.#parcels.size < sendersMax || this.#parcels.has(from);
    const parcel = body && hasRoom ? coding.decode(body) : null;
    if (!parcel || !peer.accepts(parcel)) return 'bad-body';
    // Under the name that the caller knows the peer by: one string for all, where the envelope's is a new one.
    if (!heard) this.#heard.set(from, { round, rounds: 1 });
    else if (round > heard.round) {
      heard.round = round;
      heard.rounds += 1;
    }
    return { round, from: number, parcel };
  }

  keep(from: PeerKey, parcel: Parcel): void {
    const before = this.#parcels.get(from);
    this.#parcels.set(from, before ? [...before.slice(1 - perSenderMax), parcel] : [parcel]);
  }

  /** Everything since the last time, in order of sender: floating-point sums must not depend on who was faster. */
  takeAll(): Received[] {
    const received: Received[] = [];
    for (const key of [...this.#parcels.keys()].sort()) {
      const from = this.#options.hoods.numberOf(key);
      if (from === undefined) continue;
      for (const parcel of this.#parcels.get(key)!) received.push({ from, parcel });
    }
    this.#parcels.clear();
    return received;
  }
}
