/**
 * The log: for every round the set of messages, one per author. Sets only grow until a round is folded, so two
 * logs that hold the same messages are equal whatever order they came in. Two different messages of one author
 * and round prove equivocation; the pair then stands in the set as one marker that carries no weight.
 */
import type { Delta } from '../codec/delta-codec.ts';
import type { Crypto } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import { bytesToHex, type Envelope, hexToBytes, keyToBytes } from './envelope.ts';
import { entriesPerRoundMax } from './wire.ts';

/** A message whose body is here and decoded. */
export interface LogMessage extends Envelope {
  readonly body: Uint8Array;
  readonly delta: Delta;
  /** Euclidean norm of the decoded delta. */
  readonly norm: number;
}

export type LogSlot =
  | { readonly kind: 'message'; readonly message: LogMessage }
  | { readonly kind: 'equivocation'; readonly messages: readonly [LogMessage, LogMessage] };

export type Insertion = 'added' | 'duplicate' | 'equivocation' | 'full';

const NO_ID = new Uint8Array(32);

export class LogBook {
  readonly #crypto: Crypto;
  readonly #rounds = new Map<number, Map<PeerKey, LogSlot>>();
  readonly #sorted = new Map<number, ReadonlyArray<readonly [PeerKey, LogSlot]>>();
  readonly #byId = new Map<string, LogMessage>();
  /** Different messages may carry one body: all-zero deltas do, and copycats. */
  readonly #byBodyRoot = new Map<string, LogMessage[]>();
  readonly #digests = new Map<number, Uint8Array>();

  #emptyDigest: Uint8Array | null = null;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  insert(message: LogMessage): Insertion {
    if (this.#byId.has(message.id)) return 'duplicate';
    let round = this.#rounds.get(message.round);
    if (!round) {
      round = new Map();
      this.#rounds.set(message.round, round);
    }
    const slot = round.get(message.author);
    if (slot?.kind === 'equivocation') return 'duplicate';
    if (!slot && round.size >= entriesPerRoundMax) return 'full';
    round.set(
      message.author,
      slot ? { kind: 'equivocation', messages: [slot.message, message] } : { kind: 'message', message },
    );
    this.#byId.set(message.id, message);
    const root = bytesToHex(message.bodyRoot);
    const sameBody = this.#byBodyRoot.get(root);
    if (sameBody) sameBody.push(message);
    else this.#byBodyRoot.set(root, [message]);
    this.#forgetViews(message.round);
    return slot ? 'equivocation' : 'added';
  }

  /** Takes an author's slot out of a round, because the peers finalised the round without it. */
  remove(round: number, author: PeerKey): void {
    const slot = this.#rounds.get(round)?.get(author);
    if (!slot) return;
    for (const message of messagesOf(slot)) this.#forget(message);
    this.#rounds.get(round)!.delete(author);
    this.#forgetViews(round);
  }

  slot(round: number, author: PeerKey): LogSlot | undefined {
    return this.#rounds.get(round)?.get(author);
  }

  message(id: string): LogMessage | undefined {
    return this.#byId.get(id);
  }

  /** The body whose Merkle root (hex) is given, where the log has it. */
  body(root: string): Uint8Array | undefined {
    return this.#byBodyRoot.get(root)?.[0]?.body;
  }

  /** Slots of a round in ascending order of author: every replica walks them the same way. */
  slots(round: number): ReadonlyArray<readonly [PeerKey, LogSlot]> {
    let slots = this.#sorted.get(round);
    if (!slots) {
      slots = [...(this.#rounds.get(round) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
      if (slots.length > 0) this.#sorted.set(round, slots);
    }
    return slots;
  }

  /** SHA-256 over author and message id of every slot in order of author; a marker has a zero id. */
  digest(round: number): Uint8Array {
    if (this.isEmpty(round)) {
      this.#emptyDigest ??= this.#crypto.sha256();
      return this.#emptyDigest;
    }
    let digest = this.#digests.get(round);
    if (!digest) {
      const parts = this.slots(round).flatMap(([author, slot]) => [
        keyToBytes(author),
        slot.kind === 'message' ? hexToBytes(slot.message.id) : NO_ID,
      ]);
      digest = this.#crypto.sha256(...parts);
      this.#digests.set(round, digest);
    }
    return digest;
  }

  /** Author and ids of every slot, as they travel in a digest answer. */
  entries(round: number): Uint8Array[] {
    return this.slots(round).map(([author, slot]) => {
      const ids = messagesOf(slot).map(({ id }) => hexToBytes(id));
      const entry = new Uint8Array(32 + 32 * ids.length);
      entry.set(keyToBytes(author));
      ids.forEach((id, index) => {
        entry.set(id, 32 + 32 * index);
      });
      return entry;
    });
  }

  isEmpty(round: number): boolean {
    return (this.#rounds.get(round)?.size ?? 0) === 0;
  }

  /** Rounds that hold anything, ascending. */
  heldRounds(): number[] {
    return [...this.#rounds.keys()].filter((round) => !this.isEmpty(round)).sort((a, b) => a - b);
  }

  /** Forgets every round up to and including `round`; returns the messages dropped. */
  pruneThrough(round: number): LogMessage[] {
    const dropped: LogMessage[] = [];
    for (const held of [...this.#rounds.keys()]) {
      if (held > round) continue;
      for (const slot of this.#rounds.get(held)!.values()) {
        for (const message of messagesOf(slot)) {
          this.#forget(message);
          dropped.push(message);
        }
      }
      this.#rounds.delete(held);
      this.#forgetViews(held);
    }
    return dropped;
  }

  #forgetViews(round: number): void {
    this.#sorted.delete(round);
    this.#digests.delete(round);
  }

  #forget(message: LogMessage): void {
    this.#byId.delete(message.id);
    const root = bytesToHex(message.bodyRoot);
    const others = (this.#byBodyRoot.get(root) ?? []).filter(({ id }) => id !== message.id);
    if (others.length > 0) this.#byBodyRoot.set(root, others);
    else this.#byBodyRoot.delete(root);
  }
}

export function messagesOf(slot: LogSlot): readonly LogMessage[] {
  return slot.kind === 'message' ? [slot.message] : slot.messages;
}
