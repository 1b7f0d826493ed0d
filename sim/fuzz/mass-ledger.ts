/**
 * Error feedback loses nothing: what training gave is what was sent and not taken back, plus the residual (for residuals that do
 * not decay; Karimireddy et al. 2019). Keeps the books of each peer from what it writes to its store.
 */

import { addDelta, createDeltaCodec } from '../../src/codec/delta.ts';
import type { DeltaCodec } from '../../src/codec/delta-codec.ts';
import { decodeFloat32 } from '../../src/codec/dense.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { Output } from '../../src/core/io.ts';
import type { TrainResult } from '../../src/learning/learner.ts';
import { type EnvelopeContext, openEnvelope } from '../../src/log/envelope.ts';
import { deltasOf } from '../../src/methods/registry.ts';
import { parameterCount } from '../../src/tasks/models/model-layout.ts';
import { handledPlan } from '../handled-plan.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { PeerPlan, VirtualNode } from '../virtual-node.ts';

interface Account {
  /** Sum over trainings of start minus end. */
  readonly learnt: Float64Array;
  /** What own messages carry, by round. */
  readonly sent: Map<number, Float32Array>;
  /** All that were ever sent, by id. */
  readonly known: Map<string, { readonly round: number; readonly delta: Float32Array }>;
  /** Ids of those that are taken back. */
  returned: ReadonlySet<string>;
  residual: Float32Array | null;
}

/** Sums of float32 in another order differ by so much of the largest of them. */
const tolerance = 1e-4;

export class MassLedger {
  readonly #size: number;
  readonly #codec: DeltaCodec | null;
  readonly #context: Omit<EnvelopeContext, 'bodyBytesMax'>;
  readonly #accounts = new Map<string, Account>();

  /** Keeps no books for methods without a log, nor where residuals decay, nor with audits: there what is not published is not learned. */
  constructor({ run }: Scenario, context: Omit<EnvelopeContext, 'bodyBytesMax'>) {
    this.#size = parameterCount(run.model);
    this.#context = context;
    const log = deltasOf(run.strategy);
    const isKept = log?.residualDecay === 1 && !log.audits;
    this.#codec = isKept ? createDeltaCodec(log.codec, this.#size, () => 0) : null;
  }

  /** The plan of a peer whose books are kept. */
  watch(plan: PeerPlan): PeerPlan {
    if (!this.#codec) return plan;
    return handledPlan(plan, (core, input, nowMs) => {
      const outputs = core.handle(input, nowMs);
      for (const output of outputs) this.#note(plan.key, output);
      return outputs;
    });
  }

  trained({ plan }: VirtualNode, start: Float32Array, { parameters }: TrainResult): void {
    if (!this.#codec) return;
    const { learnt } = this.#account(plan.key);
    for (let i = 0; i < this.#size; i++) learnt[i]! += start[i]! - parameters[i]!;
  }

  /** A sentence about the peer whose books do not balance, or null. */
  imbalance({ plan, index }: VirtualNode): string | null {
    const account = this.#accounts.get(plan.key);
    if (!account?.residual) return null;
    const kept = new Float32Array(account.residual);
    for (const delta of account.sent.values()) for (let i = 0; i < kept.length; i++) kept[i]! += delta[i]!;
    const scale = account.learnt.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const at = kept.findIndex((value, i) => Math.abs(value - account.learnt[i]!) > tolerance * scale);
    if (at < 0) return null;
    return `peer ${index} learnt ${account.learnt[at]} at coordinate ${at}, of which ${kept[at]} was sent or kept`;
  }

  #note(key: string, output: Output): void {
    if (output.type === 'event' && output.event.kind === 'restored') {
      this.#account(key).sent.delete(output.event.round);
    }
    if (output.type !== 'persist') return;
    const account = this.#account(key);
    for (const { key: name, value } of output.writes) {
      if (name === 'self/returned') this.#standAgain(account, value ?? new Uint8Array());
      if (!value) continue;
      if (name === 'self/residual') account.residual = decodeFloat32(value, this.#size);
      const [kind, , author] = name.split('/');
      if (kind !== 'log' || author !== key) continue;
      const bodyBytesMax = [this.#codec!.bodyBytesMax];
      const opened = openEnvelope(value, { ...this.#context, bodyBytesMax });
      if (!opened.ok || !opened.envelope.body) continue;
      const delta = new Float32Array(this.#size);
      addDelta(delta, this.#codec!.decode(opened.envelope.body));
      const { round, id } = opened.envelope;
      account.sent.set(round, delta);
      account.known.set(id, { round, delta });
    }
  }

  /** What is taken back no longer stands in the log; in rounds so long past that their entries are kept no more, too. */
  #standAgain(account: Account, ids: Uint8Array): void {
    const returned = new Set<string>();
    for (let at = 0; at < ids.length; at += 32) returned.add(bytesToHex(ids.subarray(at, at + 32)));
    for (const id of account.returned) {
      const sent = returned.has(id) ? undefined : account.known.get(id);
      if (sent) account.sent.set(sent.round, sent.delta);
    }
    account.returned = returned;
  }

  #account(key: string): Account {
    let account = this.#accounts.get(key);
    if (!account) {
      account = {
        learnt: new Float64Array(this.#size),
        sent: new Map(),
        known: new Map(),
        returned: new Set(),
        residual: null,
      };
      this.#accounts.set(key, account);
    }
    return account;
  }
}
