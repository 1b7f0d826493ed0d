import type { Signer } from '../core/crypto.ts';
import type { OutputSink, StoreWrite } from '../core/io.ts';
import type { LogEntry } from './entry-kind.ts';
import { type EntryHeader, type EnvelopeContext, encodeEnvelope, sealEnvelope } from './envelope.ts';
import { entriesOf } from './log-book.ts';
import type { Kinds } from './log-state.ts';
import type { Replica } from './replica.ts';
import { logKey } from './store-keys.ts';

export interface Appended {
  readonly entry: LogEntry;
  readonly writes: readonly StoreWrite[];
}

/** What this node itself writes into the log. Storing and announcing is its caller's, who may have more to write with it. */
export class OwnEntries {
  readonly #replica: Replica;
  readonly #kinds: Kinds;
  readonly #envelopes: EnvelopeContext;
  readonly #signer: Signer;

  constructor(options: {
    readonly replica: Replica;
    readonly kinds: Kinds;
    readonly envelopes: EnvelopeContext;
    readonly signer: Signer;
  }) {
    this.#replica = options.replica;
    this.#kinds = options.kinds;
    this.#envelopes = options.envelopes;
    this.#signer = options.signer;
  }

  of(round: number): LogEntry[] {
    return this.#replica.log
      .places(round)
      .flatMap(({ author, held }) => (author === this.#signer.key ? entriesOf(held) : []));
  }

  /** What was published just before the node went down may not have left it: same id, so saying it again is safe. */
  announceAgain(fromRound: number, toRound: number, out: OutputSink): void {
    for (let round = Math.max(0, fromRound); round <= toRound; round++) {
      for (const entry of this.of(round)) {
        out.push({ type: 'announce', bytes: encodeEnvelope(entry, this.#envelopes.inlineMax) });
      }
    }
  }

  /** Index of the place that a round has left for an entry of ours; null for none. */
  freeIndex(round: number, kind: number): number | null {
    const taken = this.of(round).filter((entry) => entry.kind === kind);
    const index = new Set(taken.map((entry) => entry.index)).size;
    if (index >= this.#kinds[kind]!.perAuthorAndRound) return null;
    return this.#hasRoom(round, kind, index) ? index : null;
  }

  /** Whether a round has the place left that an entry of ours has to stand at. */
  isFree(round: number, kind: number, index: number): boolean {
    const isTaken = this.of(round).some((entry) => entry.kind === kind && entry.index === index);
    return !isTaken && this.#hasRoom(round, kind, index);
  }

  #hasRoom(round: number, kind: number, index: number): boolean {
    return this.#replica.hasRoom({ round, author: this.#signer.key, kind, index });
  }

  /** Signs an entry and puts it into the log; `freeIndex` said that there is a place. `writes`: what the store must change. */
  append(...what: Parameters<OwnEntries['sealed']>): Appended {
    return this.enter(this.sealed(...what));
  }

  /** An entry that is signed, and not in the log yet. */
  sealed(fields: Pick<EntryHeader, 'round' | 'kind' | 'index' | 'claims'>, body: Uint8Array): LogEntry {
    const entry = this.#replica.open(
      sealEnvelope({ ...fields, anchor: this.#replica.anchor }, body, this.#envelopes, this.#signer),
    );
    if (!entry) throw new Error('an entry of our own does not decode: its encoder is broken');
    return entry;
  }

  enter(entry: LogEntry): Appended {
    const dropped: LogEntry[] = [];
    this.#replica.insert(entry, dropped);
    const writes = [
      this.#replica.writeOf(entry),
      ...dropped.map((one): StoreWrite => ({ key: logKey(one), value: null })),
    ];
    return { entry, writes };
  }
}
