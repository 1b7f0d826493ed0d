/**
 * How a late joiner gets its start: signed snapshot headers from several donors with entries of others that name the same
 * snapshot, the one that most stand for, and its segments from all of its donors at once. Pure: `asks` says what to request.
 */
import { equals } from 'uint8arrays';
import { bytesToHex } from '../../core/bytes.ts';
import type { PeerKey } from '../../core/io.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Entitlement } from '../entitlement.ts';
import { type EntryHeader, type EnvelopeContext, openEnvelope } from '../envelope.ts';
import { isNewer, type SignedWord } from '../finality/order.ts';
import type { Kinds, LogState } from '../log-state.ts';
import { BlobFetch, type BlobPart, blobRequest } from '../repair/blob-fetch.ts';
import { decodeOffer, decodeState, offersMax, openSnapshotHeader, type SnapshotHeader } from '../snapshot.ts';
import type { Request } from '../wire.ts';
import { resumableBytesMin, type SnapshotParts } from './snapshot-parts.ts';

/** Peers asked for headers at a time. */
const donorsAskedMax = 6;
/** Donors wanted where there is time to wait for them. Guess. */
export const donorsWanted = 2;

export type JoinMeaning =
  | { readonly kind: 'snapshots'; readonly peer: PeerKey }
  | {
      readonly kind: 'snapshot-blob';
      readonly peer: PeerKey;
      readonly root: string;
      readonly part: BlobPart;
    };

interface Offer extends Candidate {
  /** Weight of those who stand for it. */
  readonly support: number;
  /** More than half of all that were heard do, and enough have it. */
  readonly isProven: boolean;
}

interface Candidate {
  readonly header: SnapshotHeader;
  readonly donors: Set<PeerKey>;
}

/** What a donor said last. */
interface Told {
  offers: readonly { readonly key: string; readonly header: SnapshotHeader }[];
  /** Entries with its offers whose authors stand where these say. */
  readonly witnesses: readonly { readonly entry: EntryHeader & SignedWord; readonly candidate: string }[];
}

export interface SnapshotJoinContext {
  readonly kinds: Kinds;
  readonly envelopes: EnvelopeContext;
  /** Of a snapshot. */
  readonly bytesMax: number;
  readonly entitlement: Entitlement;
  /** Of what is being handled. */
  readonly nowMs: () => number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly parts: SnapshotParts;
}

export interface FinishedSnapshot {
  readonly state: LogState;
  readonly blob: Uint8Array;
  readonly leaves: readonly Uint8Array[];
  readonly donors: number;
}

export class SnapshotJoin {
  readonly #context: SnapshotJoinContext;
  /** Donors that answered, whether they had anything or not. */
  readonly #told = new Map<PeerKey, Told>();
  #fetch: { readonly candidate: Candidate; readonly blob: BlobFetch } | null = null;

  constructor(context: SnapshotJoinContext) {
    this.#context = context;
  }

  /** Peers that answered with their headers, whether they had any or not. */
  get answered(): number {
    return this.#told.size;
  }

  /** What donors showed with their offers. */
  get witnesses(): readonly EntryHeader[] {
    return [...this.#told.values()].flatMap(({ witnesses }) => witnesses.map(({ entry }) => entry));
  }

  get fetching(): boolean {
    return this.#fetch !== null;
  }

  /** Who is gone is not heard any more. */
  keep(peers: readonly PeerKey[]): void {
    for (const donor of [...this.#told.keys()]) if (!peers.includes(donor)) this.#told.delete(donor);
  }

  /** What they answer takes the place of what they said before, for donors move on to newer snapshots. */
  askHeaders(peers: readonly PeerKey[]): Array<{ meaning: JoinMeaning; request: Request }> {
    return peers
      .slice(0, donorsAskedMax)
      .map((peer) => ({ meaning: { kind: 'snapshots', peer }, request: { kind: 'snapshots' } }));
  }

  /** Offers of one donor, oldest first; false when one of them is forged. */
  headers(peer: PeerKey, frames: readonly Uint8Array[]): boolean {
    const { envelopes, bytesMax } = this.#context;
    const offers: { key: string; header: SnapshotHeader }[] = [];
    const witnesses: Told['witnesses'][number][] = [];
    this.#told.set(peer, { offers, witnesses });
    for (const frame of frames.slice(0, offersMax)) {
      const offer = decodeOffer(frame);
      const header = offer && openSnapshotHeader(offer.header, envelopes.runId, envelopes.crypto);
      if (!header || header.donor !== peer) return false;
      // Nothing that we could read; whoever has it may not know that.
      if (header.bytes > bytesMax) continue;
      const key = keyOf(header);
      offers.push({ key, header });
      for (const witness of offer.witnesses) {
        const opened = openEnvelope(witness, envelopes);
        if (!opened.ok) return false;
        const { envelope } = opened;
        if (isAnchoredAt(envelope, header)) witnesses.push({ entry: envelope, candidate: key });
      }
    }
    return true;
  }

  #candidates(): Map<string, Candidate> {
    const candidates = new Map<string, Candidate>();
    for (const [donor, { offers }] of this.#told) {
      for (const { key, header } of offers) {
        const candidate = candidates.get(key) ?? { header, donors: new Set() };
        candidate.donors.add(donor);
        candidates.set(key, candidate);
      }
    }
    return candidates;
  }

  /** For each key that has signed something the candidate that its newest entry names. */
  #words(): Map<PeerKey, string> {
    const words = new Map<PeerKey, { readonly entry: SignedWord; readonly candidate: string }>();
    for (const { witnesses } of this.#told.values()) {
      for (const word of witnesses) {
        const { author } = word.entry;
        const before = words.get(author);
        if (!before || isNewer(word.entry, before.entry)) words.set(author, word);
      }
    }
    return new Map([...words].map(([author, { candidate }]) => [author, candidate]));
  }

  /** Somebody with a say stands for a snapshot beyond `round`. */
  hasOffers(round: number): boolean {
    return this.#offers(round).length > 0;
  }

  /** What there is beyond `round` that anybody with a say stands for, newest first. */
  #offers(round: number): Offer[] {
    const { entitlement } = this.#context;
    const weigh = (sum: number, key: PeerKey): number => sum + entitlement.weightOf(key);
    const words = this.#words();
    const heard = new Set([...this.#told.keys(), ...words.keys()]);
    const all = [...heard].reduce(weigh, 0);
    return [...this.#candidates()]
      .filter(([, { header }]) => header.round > round)
      .map(([key, candidate]) => {
        const support = [...supportersOf(key, candidate, words)].reduce(weigh, 0);
        const isProven = 2 * support > all && candidate.donors.size >= donorsWanted;
        return { ...candidate, support, isProven };
      })
      .filter(({ support }) => support > 0)
      .sort((a, b) => b.header.round - a.header.round);
  }

  /**
   * Starts fetching a snapshot beyond `round`; false when there is none. The newest for which more than half of all who were heard
   * stand, by weight, and which two donors have; with `isWaitOver` else the one for which most stand. Of those that name a `checkpoint`
   * any, and nothing else.
   */
  choose(round: number, isWaitOver: boolean, checkpoint: Checkpoint | null = null): boolean {
    if (this.#fetch) return true;
    const best = checkpoint ? this.#offerOf(checkpoint) : this.#bestOffer(round, isWaitOver);
    if (!best) return false;
    const { envelopes, nowMs, random, parts } = this.#context;
    const { blobRoot, bytes } = best.header;
    const blob = new BlobFetch(blobRoot, bytes, { crypto: envelopes.crypto, nowMs, random });
    if (bytes >= resumableBytesMin) blob.resume(parts.begin(blobRoot));
    else parts.drop();
    for (const donor of best.donors) blob.addHolder(donor);
    this.#fetch = { candidate: best, blob };
    return true;
  }

  #bestOffer(round: number, isWaitOver: boolean): Candidate | undefined {
    const news = this.#offers(round);
    const proven = news.filter(({ isProven }) => isProven);
    return (
      // Half of it may be here already.
      proven.find(({ header }) => this.#context.parts.isOf(header.blobRoot)) ??
      proven[0] ??
      (isWaitOver ? news.toSorted((a, b) => b.support - a.support)[0] : undefined)
    );
  }

  #offerOf({ round, root, snapshot }: Checkpoint): Candidate | undefined {
    return [...this.#candidates().values()].find(
      ({ header }) =>
        header.round === round && equals(header.root, root) && equals(header.blobRoot, snapshot),
    );
  }

  /** `peers`: whoever of them takes it as well is asked for what it has. */
  asks(peers: readonly PeerKey[]): Array<{ meaning: JoinMeaning; request: Request }> {
    const blob = this.#fetch?.blob;
    if (!blob) return [];
    for (const peer of peers) blob.addTaker(peer);
    const root = bytesToHex(blob.root);
    return blob.next().map(({ peer, part }) => ({
      meaning: { kind: 'snapshot-blob', peer, root, part },
      request: blobRequest(blob.root, part),
    }));
  }

  /** The one that is on its way, by its root. */
  partOf(root: Uint8Array): BlobFetch | undefined {
    const blob = this.#fetch?.blob;
    return blob && equals(blob.root, root) ? blob : undefined;
  }

  /** Takes a part. False when the donor lied. */
  part({ peer, root, part }: JoinMeaning & { kind: 'snapshot-blob' }, frame: Uint8Array): boolean {
    const blob = this.#blobWith(root);
    if (!blob) return true;
    const isNews = part.kind === 'segment' && blob.isMissing(part.index);
    const good = blob.accept(peer, part, frame);
    if (part.kind === 'segment' && isNews && !blob.isMissing(part.index))
      this.#context.parts.note(part.index, frame);
    this.#giveUpIfStuck(blob);
    return good;
  }

  /** A part did not come; `isRefused`: the peer said that it has not got it. */
  failed({ peer, root, part }: JoinMeaning & { kind: 'snapshot-blob' }, isRefused: boolean): void {
    const blob = this.#blobWith(root);
    if (!blob) return;
    blob.failed(peer, part, isRefused);
    this.#giveUpIfStuck(blob);
  }

  #blobWith(root: string): BlobFetch | null {
    const blob = this.#fetch?.blob;
    return blob && bytesToHex(blob.root) === root ? blob : null;
  }

  /** No donor has it any more: they moved on to newer snapshots, and so must we. */
  #giveUpIfStuck(blob: BlobFetch): void {
    if (blob.stuck) this.#giveUp();
  }

  /** The verified state once it is all here; the fetch is over then. */
  finish(): FinishedSnapshot | null {
    const fetch = this.#fetch;
    const blob = fetch?.blob.blob;
    const leaves = fetch?.blob.leaves;
    if (!fetch || !blob || !leaves) return null;
    const { header, donors } = fetch.candidate;
    this.#giveUp();
    this.#context.parts.drop();
    const state = decodeState(this.#context.kinds, blob);
    if (!state || state.round !== header.round || !equals(state.root, header.root)) return null;
    return { state, blob, leaves, donors: donors.size };
  }

  /** The snapshot under way is not chosen again unless its donors offer it anew. */
  #giveUp(): void {
    const stale = this.#fetch && keyOf(this.#fetch.candidate.header);
    for (const told of this.#told.values()) told.offers = told.offers.filter(({ key }) => key !== stale);
    this.#fetch = null;
  }
}

function keyOf({ round, root, blobRoot, bytes }: SnapshotHeader): string {
  return `${round}/${bytesToHex(root)}/${bytesToHex(blobRoot)}/${bytes}`;
}

/** Its donors, and those whose newest entry names it. Who offers several stands for each of them. */
function supportersOf(key: string, { donors }: Candidate, words: ReadonlyMap<PeerKey, string>): Set<PeerKey> {
  const supporters = new Set(donors);
  for (const [author, candidate] of words) if (candidate === key) supporters.add(author);
  return supporters;
}

/** Whether its author stands where the header says. */
function isAnchoredAt(entry: EntryHeader, header: SnapshotHeader): entry is EntryHeader & SignedWord {
  const { anchor } = entry;
  return (
    anchor?.round === header.round &&
    equals(anchor.root, header.root) &&
    equals(anchor.snapshot, header.blobRoot)
  );
}
