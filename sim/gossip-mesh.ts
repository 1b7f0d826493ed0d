/**
 * Who forwards announcements to whom, and who has seen which: the part of gossipsub 1.1 (Vyzovitis et al.,
 * "GossipSub: attack-resilient message propagation", 2020) that decides what a message costs.
 *
 * Degrees are our nodes'. Left out: peer scores, and the bytes of control messages. Nodes do without lazy IHAVE/IWANT
 * repair too: a message lost on every path is lost until the protocol's own reconciliation.
 */
import { type MeshDegrees, meshDegrees } from '../src/core/gossip-figures.ts';
import type { Rng } from '../src/math/rng.ts';

/** The mesh of every peer, kept inside its links. Sets iterate in insertion order, so nothing here is left to chance. */
export class GossipMesh {
  readonly #links: Set<number>[];
  readonly #mesh: Set<number>[];
  readonly #rng: Rng;

  constructor(peers: number, rng: Rng) {
    this.#links = Array.from({ length: peers }, () => new Set());
    this.#mesh = Array.from({ length: peers }, () => new Set());
    this.#rng = rng;
  }

  /** Peers that `peer` holds a connection to, as far as it knows. */
  linksOf(peer: number): ReadonlySet<number> {
    return this.#links[peer]!;
  }

  /** Peers that `peer` forwards announcements to. */
  meshOf(peer: number): ReadonlySet<number> {
    return this.#mesh[peer]!;
  }

  linkUp(a: number, b: number): void {
    this.#links[a]!.add(b);
    this.#links[b]!.add(a);
    if (this.#mesh[a]!.size < this.#degrees(a).min || this.#mesh[b]!.size < this.#degrees(b).min) {
      if (this.#canGraft(a, b) && this.#canGraft(b, a)) this.#graft(a, b);
    }
    // With one more link a mesh may have to be a larger one.
    for (const peer of [a, b]) this.#fill(peer);
  }

  /** `peer` found its link to `other` broken; the heartbeat's repair follows at once. */
  linkDown(peer: number, other: number): void {
    this.#links[peer]!.delete(other);
    if (this.#mesh[peer]!.delete(other)) this.#fill(peer);
  }

  /** `peer` died: it knows nobody any more. Its neighbours learn of it by `linkDown`. */
  forget(peer: number): void {
    this.#links[peer]!.clear();
    this.#mesh[peer]!.clear();
  }

  #degrees(peer: number): MeshDegrees {
    return meshDegrees(this.#links[peer]!.size);
  }

  #fill(peer: number): void {
    const { min, wanted } = this.#degrees(peer);
    if (this.#mesh[peer]!.size >= min) return;
    const candidates = [...this.#links[peer]!].filter((id) => this.#canGraft(peer, id));
    this.#rng.shuffle(candidates);
    for (const id of candidates) {
      if (this.#mesh[peer]!.size >= wanted) break;
      this.#graft(peer, id);
    }
  }

  #canGraft(peer: number, other: number): boolean {
    const mesh = this.#mesh[other]!;
    return this.#links[other]!.has(peer) && !mesh.has(peer) && mesh.size < this.#degrees(other).max;
  }

  #graft(a: number, b: number): void {
    this.#mesh[a]!.add(b);
    this.#mesh[b]!.add(a);
  }
}

/** How long gossipsub remembers a message, in microseconds: two minutes, js-libp2p's default. */
const seenUs = 120_000_000;

/** Duplicate suppression: one bit per peer for each message of the last two minutes. */
export class SeenMessages {
  readonly #peers: number;
  readonly #messagesMax: number;
  readonly #messages = new Map<string, { readonly bits: Uint8Array; readonly expiresUs: number }>();

  /** Beyond `messagesMax` the oldest message is forgotten early. */
  constructor(peers: number, messagesMax: number) {
    this.#peers = peers;
    this.#messagesMax = messagesMax;
  }

  /** Marks the message as seen by `peer`; true where it was new to it. */
  see(id: string, peer: number, nowUs: number): boolean {
    let message = this.#messages.get(id);
    if (!message || message.expiresUs <= nowUs) {
      this.#prune(nowUs);
      message = { bits: new Uint8Array(Math.ceil(this.#peers / 8)), expiresUs: nowUs + seenUs };
      this.#messages.set(id, message);
    }
    const mask = 1 << (peer & 7);
    const byte = message.bits[peer >> 3]!;
    if (byte & mask) return false;
    message.bits[peer >> 3] = byte | mask;
    return true;
  }

  has(id: string, peer: number): boolean {
    const bits = this.#messages.get(id)?.bits;
    return bits !== undefined && (bits[peer >> 3]! & (1 << (peer & 7))) !== 0;
  }

  /** A restarted process has seen nothing. */
  forget(peer: number): void {
    for (const { bits } of this.#messages.values()) bits[peer >> 3]! &= ~(1 << (peer & 7));
  }

  #prune(nowUs: number): void {
    for (const [id, { expiresUs }] of this.#messages) {
      if (expiresUs > nowUs && this.#messages.size < this.#messagesMax) break;
      this.#messages.delete(id);
    }
  }
}
