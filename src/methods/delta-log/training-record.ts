/**
 * What a training of our own began with, so that it can be executed again from the log: where we stood, which entries of open rounds
 * were in the model, what was left of the residual. Kept by nodes that keep enough to be audited.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { bytesToHex, hexToBytes, isBytes, isCount, isRound, keyToBytes } from '../../core/bytes.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import type { PeerKey, StoreWrite } from '../../core/io.ts';
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

type Beginning = Pick<TrainingRecord, 'base' | 'open' | 'changes'> & { readonly ahead: Uint8Array | null };

/** What a training began with, once it has ended. */
export interface Began {
  /** The record, and the residual in it. */
  readonly bytes: Uint8Array;
  readonly before: Uint8Array;
  /** Why others could not train it again; null where they can. */
  readonly whyNotShown: string | null;
  readonly writes: readonly StoreWrite[];
}

/** Notes what the training under way began with. */
export class TrainingNotes {
  readonly #author: PeerKey;
  #beginning: Beginning | null = null;

  constructor(author: PeerKey) {
    this.#author = author;
  }

  /** `needsAhead`: the start lies ahead of the model by a part of the residual. */
  begin({ base, log }: Replica, residual: Author, needsAhead: boolean): void {
    const { round, root } = base;
    const open = [...log.entries()].flatMap((entry) => (entry.round > round ? [entry.id] : [])).sort();
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
    const record = { author: this.#author, round, steps, base, open, began, changes };
    const before = residual.toBytes();
    const bytes = encodeTraining({ ...record, residual: before });
    const whyNotShown = began === null ? null : 'a delta went back into the residual while it was trained';
    return { bytes, before, whyNotShown, writes: [{ key: trainingKey(round), value: bytes }] };
  }
}
