/**
 * What a training of our own began with, so that it can be executed again from the log: where we stood, which entries of open rounds
 * were in the model, what was left of the residual. Kept by nodes that keep enough to be audited.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { bytesToHex, hexToBytes, isBytes, isCount, isRound, keyToBytes } from '../../core/bytes.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import type { PeerKey, StoreWrite } from '../../core/io.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import type { LogState } from '../../log/log-state.ts';
import type { Replica } from '../../log/replica.ts';
import type { Author } from './author.ts';

export interface TrainingRecord {
  readonly author: PeerKey;
  readonly round: number;
  readonly steps: number;
  /** The last final round, and the root after it. */
  readonly base: { readonly round: number; readonly root: Uint8Array };
  /** Ids of the entries of open rounds that were folded on top of it. */
  readonly open: readonly string[];
  /** Before what was learned was added, little-endian float32. */
  readonly residual: Uint8Array;
  /** When training began, where it was another one and the start lies ahead by a part of it. */
  readonly began: Uint8Array | null;
  /** So many changes the residual had seen before. */
  readonly changes: number;
}

const prefix = 'trained/';
export const trainingKey = (round: number): string => `${prefix}${round.toString().padStart(10, '0')}`;
export const isTrainingKey = (key: string): boolean => key.startsWith(prefix);

export function encodeTraining(record: TrainingRecord): Uint8Array {
  const { author, round, steps, base, open, residual, began, changes } = record;
  return dagCbor.encode([
    ...[keyToBytes(author), round, steps, base.round, base.root, open.map(hexToBytes)],
    ...[residual, began, changes],
  ]);
}

/** Null for what `encodeTraining` did not write. */
export function decodeTraining(bytes: Uint8Array): TrainingRecord | null {
  const fields = decodeCanonical(bytes);
  if (!Array.isArray(fields) || fields.length !== 9) return null;
  const [author, round, steps, baseRound, root, open, residual, began, changes] = fields as unknown[];
  if (!isBytes(author, 32) || !isBytes(root, 32) || !isRound(baseRound)) return null;
  if (!isCount(round) || !isCount(steps) || !isCount(changes)) return null;
  if (!Array.isArray(open) || !open.every((id) => isBytes(id, 32))) return null;
  if (!(residual instanceof Uint8Array) || !(began === null || began instanceof Uint8Array)) return null;
  return {
    ...{ author: bytesToHex(author), round, steps, base: { round: baseRound, root } },
    ...{ open: open.map(bytesToHex), residual, began, changes },
  };
}

/**
 * As it is shown to auditors: the residual is a blob of its own, which the delta before has claimed already, so that one root a delta is
 * new that takes time.
 */
function encodeShown(record: Omit<TrainingRecord, 'residual'>): Uint8Array {
  return encodeTraining({ ...record, residual: new Uint8Array() });
}

type Beginning = Pick<TrainingRecord, 'base' | 'changes'> & {
  readonly open: readonly LogEntry[];
  readonly ahead: Uint8Array | null;
};

/** What a training began with, once it has ended. */
export interface Began {
  /** The record as it is shown, and the residual, which is not in it. */
  readonly shown: Uint8Array;
  readonly before: Uint8Array;
  /** Entries of open rounds that were in the model. */
  readonly open: readonly LogEntry[];
  /** Why others could not train it again; null where they can. */
  readonly whyNotShown: string | null;
  readonly writes: readonly StoreWrite[];
}

/** A record that was stored, as it is shown. */
export function shownAgain(record: TrainingRecord): Pick<Began, 'shown' | 'before'> {
  return { shown: encodeShown(record), before: record.residual };
}

/** Entries on top of the base. */
export function openEntries({ base, log }: Replica): readonly LogEntry[] {
  return [...log.entries()].filter(({ round }) => round > base.round);
}

/** Notes what the training under way began with. */
export class TrainingNotes {
  readonly #author: PeerKey;
  #beginning: Beginning | null = null;

  constructor(author: PeerKey) {
    this.#author = author;
  }

  /** `open`: entries on top of the base; `needsAhead`: the start lies ahead of the model by a part of the residual. */
  begin(
    { round, root }: Readonly<LogState>,
    open: readonly LogEntry[],
    residual: Author,
    needsAhead: boolean,
  ): void {
    const ahead = needsAhead ? residual.toBytes() : null;
    this.#beginning = { base: { round, root }, open, changes: residual.changes, ahead };
  }

  /** To be called before what was learned is added to the residual. */
  end(round: number, steps: number, residual: Author): Began | null {
    const beginning = this.#beginning;
    this.#beginning = null;
    if (!beginning) return null;
    const { base, open, ahead } = beginning;
    const began = beginning.changes === residual.changes ? null : ahead;
    const { changes } = residual;
    const ids = open.map(({ id }) => id).sort();
    const record = { author: this.#author, round, steps, base, open: ids, began, changes };
    const before = residual.toBytes();
    const bytes = encodeTraining({ ...record, residual: before });
    const whyNotShown = began === null ? null : 'a delta went back into the residual while it was trained';
    const writes = [{ key: trainingKey(round), value: bytes }];
    return { shown: encodeShown(record), before, open, whyNotShown, writes };
  }
}
