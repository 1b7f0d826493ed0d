/**
 * Pulls what is known to exist and not held: entries by id in batches, and bodies too large for an envelope as
 * blobs. Pure: `asks` says what to request now.
 */
import { equals } from 'uint8arrays';
import { bytesToHex, hexToBytes } from '../../core/bytes.ts';
import type { PeerKey } from '../../core/io.ts';
import type { Envelope } from '../envelope.ts';
import { placeKey } from '../log-book.ts';
import { idsPerRequestMax, type Request } from '../wire.ts';
import { BlobFetch, type BlobFetchContext, type BlobPart, blobRequest } from './blob-fetch.ts';

/** Entries wanted at a time; what is beyond is found again by the next digests. */
const wantedMax = 32_768;
/** Of these, such as one peer was the first to tell of: whoever tells of entries that there are not takes nobody else's room. */
const wantedPerTellerMax = 1_024;
/** Entries of one place whose bodies are fetched: two prove an equivocation, and more prove nothing else. */
const bodilessPerPlaceMax = 2;
/** Bodies under way at a time: each holds a buffer of its announced size once its leaves are here. */
const blobsMax = 64;

export type FetchMeaning =
  | { readonly kind: 'entries'; readonly peer: PeerKey; readonly ids: readonly string[] }
  | { readonly kind: 'blob'; readonly peer: PeerKey; readonly blob: string; readonly part: BlobPart };

interface Wanted {
  readonly round: number;
  /** The first that told of it. */
  readonly teller: PeerKey;
  /** Whom it can be asked of, and whether each said itself that it holds it: who hands on an envelope may not have its body yet. */
  readonly holders: Map<PeerKey, boolean>;
  inFlight: boolean;
  /** Known header whose body is still under way. */
  envelope: Envelope | null;
}

export function isFetch(meaning: { readonly kind: string }): meaning is FetchMeaning {
  return meaning.kind === 'entries' || meaning.kind === 'blob';
}

export class EntryFetch {
  readonly #context: BlobFetchContext;
  readonly #wanted = new Map<string, Wanted>();
  /** How many of them each teller has. */
  readonly #told = new Map<PeerKey, number>();
  readonly #blobs = new Map<string, BlobFetch>();
  /** Ids of entries whose envelopes came without a body, by round and place. */
  readonly #bodiless = new Map<number, Map<string, Set<string>>>();

  constructor(context: BlobFetchContext) {
    this.#context = context;
  }

  /** Number of entries known to exist and not held. */
  get missing(): number {
    return this.#wanted.size;
  }

  /** The holder said that it has it. */
  want(id: string, round: number, holder: PeerKey): void {
    this.#want(id, round, holder, true);
  }

  #want(id: string, round: number, holder: PeerKey, isTold: boolean): void {
    const wanted = this.#wanted.get(id);
    if (wanted) {
      wanted.holders.set(holder, isTold || (wanted.holders.get(holder) ?? false));
      const fetch = wanted.envelope && this.#blobs.get(blobOf(wanted.envelope));
      if (fetch) addDonor(fetch, holder, isTold);
    } else if (this.#wanted.size < wantedMax && (this.#told.get(holder) ?? 0) < wantedPerTellerMax) {
      const holders = new Map([[holder, isTold]]);
      this.#wanted.set(id, { round, teller: holder, holders, inFlight: false, envelope: null });
      this.#told.set(holder, (this.#told.get(holder) ?? 0) + 1);
    }
  }

  #unwant(id: string): void {
    const wanted = this.#wanted.get(id);
    if (!wanted) return;
    this.#wanted.delete(id);
    const left = this.#told.get(wanted.teller)! - 1;
    if (left > 0) this.#told.set(wanted.teller, left);
    else this.#told.delete(wanted.teller);
  }

  /** The envelope is known, its body is not: fetch it from whoever has the entry. Returns whether that is news. */
  wantBody(envelope: Envelope, holder: PeerKey): boolean {
    const ids = this.#bodilessAt(envelope);
    const isNews = !ids.has(envelope.id);
    if (isNews && ids.size >= bodilessPerPlaceMax) return false;
    this.#want(envelope.id, envelope.round, holder, holder === envelope.author);
    const wanted = this.#wanted.get(envelope.id);
    if (!wanted) return false;
    ids.add(envelope.id);
    if (!wanted.envelope && this.#blobs.size < blobsMax) this.#fetchBody(envelope, wanted);
    return isNews;
  }

  #fetchBody(envelope: Envelope, wanted: Wanted): void {
    wanted.envelope = envelope;
    const name = blobOf(envelope);
    if (!this.#blobs.has(name)) {
      const fetch = new BlobFetch(envelope.bodyRoot, envelope.bodyBytes, this.#context);
      for (const [peer, isTold] of wanted.holders) addDonor(fetch, peer, isTold);
      this.#blobs.set(name, fetch);
    }
  }

  #bodilessAt(envelope: Envelope): Set<string> {
    let places = this.#bodiless.get(envelope.round);
    if (!places) {
      places = new Map();
      this.#bodiless.set(envelope.round, places);
    }
    const place = placeKey(envelope);
    let ids = places.get(place);
    if (!ids) {
      ids = new Set();
      places.set(place, ids);
    }
    return ids;
  }

  /** What to request now. Every ask counts as under way until it is answered or fails. */
  asks(): Array<{ readonly meaning: FetchMeaning; readonly request: Request }> {
    const asks: Array<{ meaning: FetchMeaning; request: Request }> = [];
    if (this.#wanted.size === 0) return asks;
    const batches = new Map<PeerKey, string[]>();
    for (const [id, wanted] of this.#wanted) {
      if (wanted.inFlight || wanted.envelope) continue;
      for (const peer of wanted.holders.keys()) {
        const batch = batches.get(peer) ?? [];
        if (batch.length >= idsPerRequestMax) continue;
        batch.push(id);
        batches.set(peer, batch);
        wanted.inFlight = true;
        break;
      }
    }
    for (const [peer, ids] of batches) {
      asks.push({
        meaning: { kind: 'entries', peer, ids },
        request: { kind: 'entries', ids: ids.map(hexToBytes) },
      });
    }
    for (const [blob, fetch] of this.#blobs) {
      for (const { peer, part } of fetch.next()) {
        asks.push({ meaning: { kind: 'blob', peer, blob, part }, request: blobRequest(fetch.root, part) });
      }
    }
    return asks;
  }

  /** A batch came back (or not): ids that are still wanted may be asked of another holder. */
  entriesDone(peer: PeerKey, ids: readonly string[]): void {
    for (const id of ids) {
      const wanted = this.#wanted.get(id);
      if (!wanted) continue;
      wanted.inFlight = false;
      if (wanted.envelope) continue;
      wanted.holders.delete(peer);
      if (wanted.holders.size === 0) this.#unwant(id);
    }
  }

  /** A part of a body came; returns the entries it completes, or null when it was a lie. */
  blobPart(meaning: FetchMeaning & { kind: 'blob' }, frame: Uint8Array | undefined): Envelope[] | null {
    const fetch = this.#blobs.get(meaning.blob);
    if (!fetch) return [];
    const good = fetch.accept(meaning.peer, meaning.part, frame);
    this.#giveUpIfStuck(meaning.blob, fetch);
    if (!good) return null;
    const body = fetch.blob;
    if (!body) return [];
    this.#blobs.delete(meaning.blob);
    return [...this.#wanted.values()].flatMap(({ envelope }) =>
      envelope && blobOf(envelope) === meaning.blob ? [{ ...envelope, body }] : [],
    );
  }

  /** The peer said itself that it has what it is asked for: ids by its digests, a body as the author. Others may hand on an envelope before they have its body. */
  isToldBy(meaning: FetchMeaning): boolean {
    if (meaning.kind === 'entries')
      return meaning.ids.some((id) => this.#wanted.get(id)?.holders.get(meaning.peer) ?? false);
    return [...this.#wanted.values()].some(
      ({ envelope }) => envelope?.author === meaning.peer && blobOf(envelope) === meaning.blob,
    );
  }

  /** `isRefused`: the peer said that it has not got it. */
  blobFailed(meaning: FetchMeaning & { kind: 'blob' }, isRefused: boolean): void {
    const fetch = this.#blobs.get(meaning.blob);
    if (!fetch) return;
    fetch.failed(meaning.peer, meaning.part, isRefused);
    this.#giveUpIfStuck(meaning.blob, fetch);
  }

  has(id: string): boolean {
    return this.#wanted.has(id);
  }

  /** The body with that root that is on its way. */
  partOf(root: Uint8Array): BlobFetch | undefined {
    return [...this.#blobs.values()].find((fetch) => equals(fetch.root, root));
  }

  /** The entry is in the log, or nobody needs it any more. */
  settle(id: string): void {
    const wanted = this.#wanted.get(id);
    this.#unwant(id);
    if (!wanted?.envelope) return;
    const blob = blobOf(wanted.envelope);
    const shared = [...this.#wanted.values()].some(({ envelope }) => envelope && blobOf(envelope) === blob);
    if (!shared) this.#blobs.delete(blob);
  }

  pruneThrough(round: number): void {
    for (const [id, wanted] of this.#wanted) if (wanted.round <= round) this.settle(id);
    for (const past of this.#bodiless.keys()) if (past <= round) this.#bodiless.delete(past);
  }

  #giveUpIfStuck(blob: string, fetch: BlobFetch): void {
    if (!fetch.stuck) return;
    this.#blobs.delete(blob);
    for (const [id, { envelope }] of this.#wanted) {
      if (envelope && blobOf(envelope) === blob) this.#unwant(id);
    }
  }
}

/** Who hands on an envelope may have no more than a part of its body. */
function addDonor(fetch: BlobFetch, peer: PeerKey, isTold: boolean): void {
  if (isTold || !fetch.isHandedOn) fetch.addHolder(peer);
  else fetch.addTaker(peer);
}

/** A body by root and length: whoever signs another's root with a length of its own makes nobody else a liar. */
function blobOf({ bodyRoot, bodyBytes }: Envelope): string {
  return `${bytesToHex(bodyRoot)}/${bodyBytes}`;
}
