/**
 * A log that is kept for what people write into it. All that keeps it alike at all peers is the log's own machine; here is what it takes to
 * be a method: entries of their users are signed and announced, and that is all there is to do.
 */
import type { CoreStatus, Input, KindState, Output, ProtocolCore } from '../../core/io.ts';
import { namedMembers } from '../../core/membership.ts';
import type { RunFrame } from '../../core/run-frame.ts';
import { closedEntitlement, openEntitlement } from '../../log/entitlement.ts';
import { Replica } from '../../log/replica.ts';
import { type LogEvent, RunLog } from '../../log/run-log.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import { publishEntry, storingOutlet, withCredential } from '../log-outputs.ts';
import type { LogParts } from '../log-parts.ts';
import { logStatus, stateIn } from '../log-status.ts';
import { ResultHash } from '../result-hash.ts';
import { answerSubmitted, appendSubmitted, justBegun } from '../submitted.ts';
import { createEntryLogParts } from './log-parts.ts';
import type { EntryLogSpec } from './schema.ts';

const noModel = new Float32Array(0);
const nobodysWork: ReadonlyMap<string, { readonly deltas: number }> = new Map();

export class EntryLog implements ProtocolCore {
  readonly #deps: CoreDependencies;
  readonly #parts: LogParts;
  readonly #log: RunLog;
  readonly #hash: ResultHash;
  /** Nothing is written in earlier rounds. */
  #writeFrom = 0;

  constructor(manifest: RunFrame, spec: EntryLogSpec, runId: string, deps: CoreDependencies) {
    this.#deps = deps;
    const { crypto, shared, random, signer, retention, trusted = new Set(), checkpoint = null } = deps;
    const parts = createEntryLogParts(manifest, spec, runId, deps);
    this.#parts = parts;
    this.#hash = new ResultHash(parts.resultOf, crypto);
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
    return withCredential(out, this.#parts.credentials);
  }

  status(nowMs: number): CoreStatus {
    return {
      ...logStatus(this.#log, this.#parts.kinds, nowMs),
      modelHash: this.#hash.of(this.#log.replica.base),
      lastTrained: null,
      contributions: new Map(),
    };
  }

  model(): Float32Array {
    return noModel;
  }

  stateOf(kind: string): KindState | null {
    return stateIn(this.#log.replica, this.#parts.kinds, kind);
  }

  #start(out: Output[], nowMs: number): void {
    // What it said in this round before, a node that remembers nothing must not say otherwise.
    if (!this.#log.restore([...this.#deps.stored])) {
      this.#writeFrom = Math.max(0, this.#log.clock.slotAt(nowMs) + 1);
    }
    this.#log.start(nowMs, storingOutlet(out));
  }

  #tick(out: Output[], nowMs: number): void {
    this.#toLog(out, { type: 'tick' }, nowMs);
    out.push({ type: 'wake-at', atMs: this.#log.wakeAtMs(nowMs) });
  }

  #submit(out: Output[], { token, ...wanted }: Input & { type: 'submit' }, nowMs: number): void {
    const submitted =
      this.#log.clock.slotAt(nowMs) < this.#writeFrom
        ? { refused: justBegun }
        : appendSubmitted(this.#log, { kinds: this.#parts.kinds, from: 0 }, wanted, nowMs);
    const { envelopes } = this.#parts;
    answerSubmitted(out, token, submitted, (entry, writes) => publishEntry(out, entry, writes, envelopes));
  }

  #toLog(out: Output[], event: LogEvent, nowMs: number): void {
    this.#log.handle(event, nowMs, storingOutlet(out));
  }
}
