/**
 * A log that is kept for what people write into it. All that keeps it alike at all peers is the log's own machine; here is what it takes to
 * be a method: entries of their users are signed and announced, and that is all there is to do.
 */
import { bytesToHex } from '../../core/bytes.ts';
import type { CoreStatus, Input, KindState, Output, ProtocolCore, StoreWrite } from '../../core/io.ts';
import { namedMembers } from '../../core/membership.ts';
import type { RunFrame } from '../../core/run-frame.ts';
import { closedEntitlement, openEntitlement } from '../../log/entitlement.ts';
import type { LogEntry } from '../../log/entry-kind.ts';
import { encodeEnvelope } from '../../log/envelope.ts';
import type { EffectSink } from '../../log/log-effect.ts';
import { Replica } from '../../log/replica.ts';
import { type LogEvent, RunLog } from '../../log/run-log.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { type LogParts, withCredential } from '../log-parts.ts';
import { answerSubmitted, appendSubmitted } from '../submitted.ts';
import { createEntryLogParts } from './log-parts.ts';
import type { EntryLogSpec } from './schema.ts';

const noModel = new Float32Array(0);
const nobodysWork: ReadonlyMap<string, { readonly deltas: number }> = new Map();

export class EntryLog implements ProtocolCore {
  readonly #deps: CoreDependencies;
  readonly #parts: LogParts;
  readonly #log: RunLog;
  /** Nothing is written in earlier rounds. */
  #writeFrom = 0;
  /** Of what the history with this root comes to. */
  #hash: { readonly root: Uint8Array; readonly hash: string } | null = null;

  constructor(manifest: RunFrame, spec: EntryLogSpec, runId: string, deps: CoreDependencies) {
    this.#deps = deps;
    const { crypto, shared, random, signer, retention, trusted = new Set(), checkpoint = null } = deps;
    const parts = createEntryLogParts(manifest, spec, runId, deps);
    this.#parts = parts;
    const replica = new Replica({ ...parts, crypto, shared, retention });
    const members = namedMembers(manifest.membership);
    const entitlement =
      members !== null
        ? closedEntitlement(members)
        : // Writing is no work: in an open log all keys weigh alike.
          openEntitlement(
            () => replica.base,
            () => nobodysWork,
            trusted,
            (peer) => credentials.has(peer),
          );
    const { credentials } = parts;
    if (credentials.own) credentials.admits(signer.key, credentials.own);
    this.#log = new RunLog({ ...parts, replica, signer, entitlement, checkpoint, random });
  }

  handle(input: Input, nowMs: number): Output[] {
    const out: Output[] = [];
    switch (input.type) {
      case 'start':
        this.#start(out, nowMs);
        this.#tick(out, nowMs);
        break;
      case 'wake':
        this.#tick(out, nowMs);
        break;
      case 'peer-up':
      case 'peer-down':
      case 'announcement':
      case 'request':
      case 'response':
      case 'request-failed':
        this.#toLog(out, input, nowMs);
        break;
      case 'submit':
        this.#submit(out, input, nowMs);
        break;
      case 'trained':
      case 'training-failed':
      case 'retrained':
      case 'judged':
      case 'scored':
      case 'leave':
        break;
      default:
        input satisfies never;
    }
    const { credentials } = this.#parts;
    return credentials.areAskedFor ? withCredential(out, credentials) : out;
  }

  status(nowMs: number): CoreStatus {
    const { base } = this.#log.replica;
    const round = Math.max(-1, this.#log.clock.slotAt(nowMs));
    return {
      phase: this.#log.phase,
      round,
      finalisedRound: base.round,
      countedRounds: base.pace.counted,
      slotMs: this.#log.clock.slotMs(round),
      modelHash: this.#resultHash(),
      agreement: this.#log.agreement,
      checkpoint: this.#log.checkpoint,
      lag: this.#log.missing,
      lastLoss: null,
      refused: this.#log.refusals.counts(),
      contributions: new Map(),
      shown: this.#parts.kinds.flatMap((kind, index) =>
        kind.show(base.kinds[index]).map((entry) => ({ kind: kind.id, ...entry })),
      ),
    };
  }

  model(): Float32Array {
    return noModel;
  }

  stateOf(kind: string): KindState | null {
    const number = this.#parts.kinds.findIndex(({ id }) => id === kind);
    if (number < 0) return null;
    const { base } = this.#log.replica;
    return { final: base.kinds[number], live: this.#log.replica.live().kinds[number] };
  }

  /** SHA-256 (hex) of what the final log comes to. */
  #resultHash(): string {
    const { base } = this.#log.replica;
    if (this.#hash?.root !== base.root) {
      const hash = bytesToHex(this.#deps.crypto.sha256(this.#parts.resultOf(base)));
      this.#hash = { root: base.root, hash };
    }
    return this.#hash.hash;
  }

  #start(out: Output[], nowMs: number): void {
    // What it said in this round before, a node that remembers nothing must not say otherwise.
    if (!this.#log.restore([...this.#deps.stored])) {
      this.#writeFrom = Math.max(0, this.#log.clock.slotAt(nowMs) + 1);
    }
    this.#log.start(nowMs, this.#outlet(out));
  }

  #tick(out: Output[], nowMs: number): void {
    this.#toLog(out, { type: 'tick' }, nowMs);
    out.push({ type: 'wake-at', atMs: this.#log.wakeAtMs(nowMs) });
  }

  #submit(out: Output[], { token, ...wanted }: Input & { type: 'submit' }, nowMs: number): void {
    const submitted =
      this.#log.clock.slotAt(nowMs) < this.#writeFrom
        ? { refused: 'this node has just begun: try again in the next round' }
        : appendSubmitted(this.#log, { kinds: this.#parts.kinds, from: 0 }, wanted, nowMs);
    answerSubmitted(out, token, submitted, (entry, writes) => this.#publish(out, entry, writes));
  }

  /** One durable transaction, and only then the announcement. */
  #publish(out: Output[], entry: LogEntry, writes: readonly StoreWrite[]): void {
    out.push({ type: 'persist', writes, durable: true });
    out.push({ type: 'announce', bytes: encodeEnvelope(entry, this.#parts.envelopes.inlineMax) });
  }

  #toLog(out: Output[], event: LogEvent, nowMs: number): void {
    this.#log.handle(event, nowMs, this.#outlet(out));
  }

  /** The facts of the log mean nothing here but what is to be stored. */
  #outlet(out: Output[]): EffectSink {
    return {
      push: (effect) => {
        if (effect.type === 'entered' || effect.type === 'left-out' || effect.type === 'switched') {
          out.push({ type: 'persist', writes: effect.writes, durable: effect.type !== 'entered' });
        } else out.push(effect);
      },
    };
  }
}
