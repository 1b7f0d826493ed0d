import type { Signer } from '../../core/crypto.ts';
import type { OutputSink, PeerKey } from '../../core/io.ts';
import { type EnvelopeContext, encodeStoredEnvelope, sealEnvelope } from '../../log/envelope.ts';
import { RequestTable } from '../../log/request-table.ts';
import { encodeRequest } from '../../log/wire.ts';
import type { MixingPeer, Packed, Parcel } from './mixing-peer.ts';
import type { Neighbourhood } from './neighbourhood.ts';
import type { ParcelCoding } from './parcel-coding.ts';

/** Parcels are signed as entries are, and stand in no log. */
const unlogged = { kind: 0, index: 0, anchor: null, claims: [] };

export type Question =
  | { readonly kind: 'push'; readonly peer: PeerKey; readonly to: number; readonly parcel: Parcel }
  | { readonly kind: 'handout'; readonly peer: PeerKey };

export interface CourierOptions {
  readonly context: EnvelopeContext;
  readonly coding: ParcelCoding;
  readonly signer: Signer;
  readonly hoods: Neighbourhood;
  readonly timeoutMs: number;
  /** Who packed, and is told what did not leave. */
  readonly peer: MixingPeer;
}

/** Brings parcels to those they are for, and remembers what each request under way was about. */
export class Courier {
  readonly #options: CourierOptions;
  readonly #requests: RequestTable<Question>;

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#requests = new RequestTable(options.timeoutMs);
  }

  /** Signs each parcel once and pushes it to whoever of `linked` it is for. Returns the bytes of the largest. */
  push(out: OutputSink, round: number, packed: readonly Packed[], linked: ReadonlySet<PeerKey>): number {
    const { hoods, peer } = this.#options;
    const sealed = new Map<Parcel, Uint8Array>();
    let largest = 0;
    for (const { to, parcel } of packed) {
      const key = hoods.keyOf(to);
      let envelope = sealed.get(parcel);
      if (key !== undefined && linked.has(key)) {
        if (!envelope) {
          const body = this.#options.coding.encode(parcel);
          largest = Math.max(largest, body.length);
          envelope = this.#seal(round, body);
          sealed.set(parcel, envelope);
        }
        const question = { kind: 'push', peer: key, to, parcel } as const;
        if (this.#requests.open(out, question, encodeRequest({ kind: 'push', envelope }))) continue;
      }
      peer.answered?.(to, parcel, null);
    }
    return largest;
  }

  /** Parcels that are not worth sending any more: as if no answer had come. */
  drop(packed: readonly Packed[]): void {
    const { peer } = this.#options;
    for (const { to, parcel } of packed) peer.answered?.(to, parcel, null);
  }

  askForHandout(out: OutputSink, peer: PeerKey): void {
    this.#requests.open(out, { kind: 'handout', peer }, encodeRequest({ kind: 'handout' }));
  }

  get asksForHandout(): boolean {
    return this.#requests.some(({ kind }) => kind === 'handout');
  }

  /** What an answer is an answer to, once; undefined for a stale one. */
  take(requestId: number): Question | undefined {
    return this.#requests.take(requestId);
  }

  #seal(round: number, body: Uint8Array): Uint8Array {
    const { context, signer } = this.#options;
    return encodeStoredEnvelope(sealEnvelope({ ...unlogged, round }, body, context, signer));
  }
}
