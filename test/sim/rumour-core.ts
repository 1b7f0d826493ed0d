/**
 * A small second protocol behind the core's interface: a grow-only set of words, spread by rumour and
 * repaired by anti-entropy (Demers et al., "Epidemic algorithms for replicated database maintenance", 1987).
 */
import { createHash } from 'node:crypto';
import type {
  CoreStatus,
  Input,
  Output,
  PeerKey,
  Phase,
  ProtocolCore,
  RefusalReason,
} from '../../src/core/io.ts';
import { REFUSAL_REASONS } from '../../src/core/io.ts';

export interface RumourOptions {
  readonly name: string;
  readonly startAtMs: number;
  readonly slotMs: number;
  /** Slots in which every peer says one word; as many again are left for repair. */
  readonly rounds: number;
  /** Bytes of padding in every word. */
  readonly padBytes: number;
  /** Ask a random peer for what is missing in every slot. */
  readonly repair: boolean;
  readonly timeoutMs: number;
}

export class RumourCore implements ProtocolCore {
  readonly words = new Set<string>();
  readonly failures: string[] = [];
  readonly #options: RumourOptions;
  readonly #random: () => number;
  readonly #peers: PeerKey[] = [];
  #phase: Phase = 'waiting';
  #nextRound = 0;
  #nextRequest = 0;

  constructor(options: RumourOptions, stored: Iterable<readonly [string, Uint8Array]>, random: () => number) {
    this.#options = options;
    this.#random = random;
    for (const [word] of stored) this.words.add(word);
    while (this.words.has(this.#word(this.#nextRound))) this.#nextRound++;
  }

  handle(input: Input, nowMs: number): Output[] {
    switch (input.type) {
      case 'start':
        return [{ type: 'wake-at', atMs: Math.max(nowMs, this.#options.startAtMs) }];
      case 'wake':
        return this.#wake(nowMs);
      case 'peer-up':
        this.#peers.push(input.peer);
        return [];
      case 'peer-down':
        this.#peers.splice(this.#peers.indexOf(input.peer), 1);
        return [];
      case 'announcement':
        return [
          ...this.#learn([Buffer.from(input.bytes).toString()]),
          { type: 'verdict', token: input.token, verdict: 'accept' },
        ];
      case 'request': {
        const known = new Set(Buffer.from(input.bytes).toString().split('\n'));
        const missing = [...this.words].filter((word) => !known.has(word));
        return [{ type: 'respond', token: input.token, frames: missing.map((word) => Buffer.from(word)) }];
      }
      case 'response':
        return this.#learn(input.frames.map((frame) => Buffer.from(frame).toString()));
      case 'request-failed':
        this.failures.push(input.reason);
        return [];
      case 'leave':
        return this.#ask();
      case 'trained':
      case 'scored':
      case 'judged':
      case 'retrained':
      case 'training-failed':
      case 'submit':
        throw new Error('this protocol does not train');
    }
  }

  status(): CoreStatus {
    const refused = Object.fromEntries(REFUSAL_REASONS.map((reason) => [reason, 0]));
    return {
      phase: this.#phase,
      round: this.#nextRound,
      finalisedRound: -1,
      countedRounds: 0,
      slotMs: 0,
      shown: [],
      modelHash: createHash('sha256')
        .update([...this.words].sort().join('\n'))
        .digest('hex'),
      agreement: null,
      checkpoint: null,
      lag: 0,
      lastTrained: null,
      refused: refused as Record<RefusalReason, number>,
      contributions: new Map(),
    };
  }

  model(): Float32Array {
    return Float32Array.of(this.words.size);
  }

  #wake(nowMs: number): Output[] {
    const { startAtMs, slotMs, rounds } = this.#options;
    const slot = Math.floor((nowMs - startAtMs) / slotMs);
    if (slot >= 2 * rounds) {
      this.#phase = 'finished';
      return [{ type: 'event', event: { kind: 'phase', phase: 'finished' } }];
    }
    const outputs: Output[] = [{ type: 'wake-at', atMs: startAtMs + (slot + 1) * slotMs }];
    if (slot < rounds && this.#nextRound <= slot) {
      this.#nextRound = slot + 1;
      const word = this.#word(slot);
      outputs.push(...this.#learn([word]), { type: 'announce', bytes: Buffer.from(word) });
    }
    return [...outputs, ...this.#ask()];
  }

  #ask(): Output[] {
    const { repair, timeoutMs } = this.#options;
    const peer = this.#peers[Math.floor(this.#random() * this.#peers.length)];
    if (!repair || peer === undefined) return [];
    const bytes = Buffer.from([...this.words].join('\n'));
    const requestId = this.#nextRequest++;
    return [{ type: 'request', requestId, peer, bytes, responseBytesMax: 1 << 20, timeoutMs }];
  }

  #word(round: number): string {
    return `${this.#options.name}/${round}/${'x'.repeat(this.#options.padBytes)}`;
  }

  #learn(words: readonly string[]): Output[] {
    const news = words.filter((word) => !this.words.has(word));
    if (news.length === 0) return [];
    for (const word of news) this.words.add(word);
    return [
      { type: 'persist', durable: false, writes: news.map((key) => ({ key, value: Uint8Array.of(1) })) },
    ];
  }
}
