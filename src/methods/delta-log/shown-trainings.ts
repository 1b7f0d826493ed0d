/**
 * What our own trainings began with, for whoever is drawn to train them again: record and residual by their roots, and the entries of open
 * rounds that were in the model, also those that had to give way since. Whoever fills a round, or says a third thing at one place, takes
 * from the log what we trained on; we keep it, signed as it is.
 */
import { equals } from 'uint8arrays';
import { blobRoot } from '../../content/blob.ts';
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { StoreWrite } from '../../core/io.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import { type Claim, encodeStoredEnvelope } from '../../log/envelope.ts';
import type { Replica } from '../../log/replica.ts';
import type { Author } from './author.ts';
import { type Began, decodeTraining, isTrainingKey, shownAgain, trainingKey } from './training-record.ts';

const lostPrefix = 'lost/';
const lostKey = (id: string): string => `${lostPrefix}${id}`;

interface Shown {
  /** Roots of the record and of the residual, hex. */
  readonly record: string;
  readonly before: string;
  /** By id; after a restart those alone that the log had lost. */
  readonly open: ReadonlyMap<string, LogEntry>;
}

export interface ShownTrainingsOptions {
  readonly crypto: Crypto;
  /** Of the log that the deltas are in. */
  readonly replica: () => Replica;
  /** Opens what was stored of an entry; null for what is none. */
  readonly openEntry: (bytes: Uint8Array) => LogEntry | null;
  /** Records stay in the store, for audits of our own. */
  readonly keepsAll: boolean;
}

export class ShownTrainings {
  readonly #options: ShownTrainingsOptions;
  readonly #rounds = new Map<number, Shown>();
  /** Entries that the store has because the log has them no longer. */
  readonly #lost = new Map<string, LogEntry>();
  /** By root, hex. */
  readonly #blobs = new Map<string, Uint8Array>();
  /** Root of the residual after our last delta, and how often it had changed by then. */
  #left: { readonly changes: number; readonly root: Uint8Array } | null = null;

  constructor(options: ShownTrainingsOptions) {
    this.#options = options;
  }

  restore(stored: Iterable<readonly [string, Uint8Array]>): void {
    const { crypto, openEntry } = this.#options;
    const records = [];
    for (const [key, bytes] of stored) {
      const record = isTrainingKey(key) ? decodeTraining(bytes) : null;
      if (record) records.push(record);
      const entry = key.startsWith(lostPrefix) ? openEntry(bytes) : null;
      if (entry) this.#lost.set(entry.id, entry);
    }
    for (const record of records) {
      const open = record.open.flatMap((id) => this.#lost.get(id) ?? []);
      const { shown, before } = shownAgain(record);
      this.#show(record.round, shown, before, blobRoot(crypto, before), open);
    }
  }

  /** What a delta claims besides; what its training began with is shown from now on. */
  prove(
    round: number,
    { shown, before, open }: Began,
    residual: Author,
  ): { readonly claims: readonly Claim[]; readonly writes: readonly StoreWrite[] } {
    const { crypto } = this.#options;
    const { changes } = residual;
    // What was left is what is begun with, where nothing but this training has changed it since.
    const known = this.#left?.changes === changes - 1 ? this.#left.root : null;
    const root = blobRoot(crypto, residual.toBytes());
    this.#left = { changes, root };
    const begun = known ?? blobRoot(crypto, before);
    const record = this.#show(round, shown, before, begun, open);
    const { log } = this.#options.replica();
    const writes = this.#keep(open.filter(({ id }) => !log.entry(id)));
    return { claims: [shown.length, record, begun, root], writes };
  }

  #show(
    round: number,
    record: Uint8Array,
    residual: Uint8Array,
    begun: Uint8Array,
    open: readonly LogEntry[],
  ): Uint8Array {
    const root = blobRoot(this.#options.crypto, record);
    const before = bytesToHex(begun);
    this.#rounds.set(round, { record: bytesToHex(root), before, open: byId(open) });
    this.#blobs.set(bytesToHex(root), record);
    this.#blobs.set(before, residual);
    return root;
  }

  /** The log has lost these: what we trained on is kept. Returns what the store must change. */
  lost(entries: readonly LogEntry[]): StoreWrite[] {
    const shown = [...this.#rounds.values()];
    return this.#keep(entries.filter(({ id }) => shown.some(({ open }) => open.has(id))));
  }

  #keep(entries: readonly LogEntry[]): StoreWrite[] {
    return entries.flatMap((entry) => {
      if (this.#lost.has(entry.id)) return [];
      this.#lost.set(entry.id, entry);
      return [{ key: lostKey(entry.id), value: encodeStoredEnvelope(entry) }];
    });
  }

  /** Nothing is asked any more of final rounds but of those named. */
  forget(asked: ReadonlySet<number>): StoreWrite[] {
    const { base } = this.#options.replica();
    const writes: StoreWrite[] = [];
    for (const [round, { record, before }] of this.#rounds) {
      if (round > base.round || asked.has(round)) continue;
      this.#rounds.delete(round);
      this.#blobs.delete(record);
      const isElsewhere = [...this.#rounds.values()].some((other) => other.before === before);
      if (!isElsewhere) this.#blobs.delete(before);
      if (!this.#options.keepsAll) writes.push({ key: trainingKey(round), value: null });
    }
    return writes.length > 0 ? [...writes, ...this.#forgetLost()] : writes;
  }

  #forgetLost(): StoreWrite[] {
    const shown = [...this.#rounds.values()];
    const gone = [...this.#lost.keys()].filter((id) => !shown.some(({ open }) => open.has(id)));
    for (const id of gone) this.#lost.delete(id);
    return gone.map((id) => ({ key: lostKey(id), value: null }));
  }

  blob(root: Uint8Array): Uint8Array | undefined {
    const known = this.#blobs.get(bytesToHex(root));
    if (known) return known;
    for (const { bodyRoot, body } of this.#lost.values()) if (equals(bodyRoot, root)) return body;
    return undefined;
  }

  entry(id: string): LogEntry | undefined {
    return this.#lost.get(id);
  }
}

function byId(entries: readonly LogEntry[]): ReadonlyMap<string, LogEntry> {
  return new Map(entries.map((entry) => [entry.id, entry]));
}
