/**
 * Epidemic Learning, the local variant (de Vos et al., "Epidemic Learning: Boosting Decentralized Learning with
 * Randomized Communication", 2023): every round each peer trains, sends its whole model to s peers drawn
 * uniformly, and averages its own with what arrived. Models differ from peer to peer; there is no log.
 */
import { decodeFloat32, encodeFloat32 } from '../../codec/dense.ts';
import { axpy } from '../../kernels/dense-vectors.ts';
import { allFinite, meanOfVectors } from '../../math/vector.ts';
import type { CoreDependencies } from '../core-dependencies.ts';
import {
  bytesToHex,
  type EnvelopeContext,
  encodeStoredEnvelope,
  openEnvelope,
  sealEnvelope,
} from '../envelope.ts';
import type { CoreStatus, Input, Output, PeerKey, Phase, ProtocolCore } from '../io.ts';
import { LocalTraining } from '../local-training.ts';
import type { RunManifest } from '../manifest.ts';
import { memberTest } from '../membership.ts';
import { pickRandom } from '../pick-random.ts';
import { Refusals } from '../refusals.ts';
import { RequestTable } from '../request-table.ts';
import { slotAt, slotStartMs } from '../round-clock.ts';
import type { EpidemicSpec } from '../run-spec.ts';
import { decodeRequest } from '../wire.ts';

const MODEL_KEY = 'self/model';
/** Models kept for the next average; more than this many in a round are refused. */
const inboxMax = 64;

export class Epidemic implements ProtocolCore {
  readonly #manifest: RunManifest;
  readonly #spec: EpidemicSpec;
  readonly #deps: CoreDependencies;
  readonly #context: EnvelopeContext;
  readonly #isMember: (peer: PeerKey) => boolean;
  readonly #refusals = new Refusals();
  readonly #requests = new RequestTable<{ readonly peer: PeerKey }>(10_000);
  readonly #training: LocalTraining;
  readonly #peers = new Set<PeerKey>();
  /** Models that arrived since the last average, the newest of each author. */
  readonly #inbox = new Map<PeerKey, { readonly round: number; readonly model: Float32Array }>();
  /** Newest round heard of each author, where what is not newer is a replay, and the number of models it sent. */
  readonly #heard = new Map<PeerKey, { round: number; models: number }>();
  #model: Float32Array;
  #averagedRound = -1;
  #phase: Phase = 'waiting';

  constructor(manifest: RunManifest, spec: EpidemicSpec, runId: string, deps: CoreDependencies) {
    this.#manifest = manifest;
    this.#spec = spec;
    this.#deps = deps;
    this.#model = deps.initial.slice();
    this.#context = { runId, crypto: deps.crypto, bodyBytesMax: 4 * deps.initial.length };
    this.#isMember = memberTest(manifest.membership);
    this.#training = new LocalTraining(manifest.training, manifest.slotMs);
  }

  handle(input: Input, nowMs: number): Output[] {
    const out: Output[] = [];
    const slot = slotAt(this.#manifest, nowMs);
    switch (input.type) {
      case 'start':
        this.#restore();
        this.#tick(out, slot, nowMs);
        break;
      case 'wake':
        this.#tick(out, slot, nowMs);
        break;
      case 'peer-up':
        this.#peers.add(input.peer);
        break;
      case 'peer-down':
        this.#peers.delete(input.peer);
        break;
      case 'announcement':
        this.#refusals.add(out, 'malformed', input.from);
        out.push({ type: 'verdict', token: input.token, verdict: 'reject' });
        break;
      case 'request':
        this.#answer(out, input, slot);
        break;
      case 'response':
      case 'request-failed':
        this.#requests.take(input.requestId);
        break;
      case 'trained':
        this.#trained(out, input, slot, nowMs);
        break;
      case 'training-failed':
        this.#training.failed(input.round);
        out.push({ type: 'event', event: { kind: 'skipped', round: input.round, reason: input.reason } });
        break;
    }
    return out;
  }

  status(nowMs: number): CoreStatus {
    const total = [...this.#heard.values()].reduce((sum, { models }) => sum + models, 0);
    return {
      phase: this.#phase,
      round: Math.max(-1, Math.min(slotAt(this.#manifest, nowMs), this.#manifest.rounds)),
      finalisedRound: this.#averagedRound,
      modelHash: bytesToHex(this.#deps.crypto.sha256(encodeFloat32(this.#model))),
      lag: 0,
      lastLoss: this.#training.lastLoss,
      refused: this.#refusals.counts(),
      contributions: new Map(
        [...this.#heard].map(([peer, { models }]) => [peer, { deltas: models, share: models / total }]),
      ),
    };
  }

  model(): Float32Array {
    return this.#model.slice();
  }

  #restore(): void {
    for (const [key, value] of this.#deps.stored) {
      if (key === MODEL_KEY) this.#model = decodeFloat32(value, this.#model.length);
    }
  }

  #tick(out: Output[], slot: number, nowMs: number): void {
    if (slot >= 0) {
      this.#average(out, Math.min(slot, this.#manifest.rounds));
      this.#setPhase(out, slot < this.#manifest.rounds ? 'training' : 'finished');
      if (this.#phase === 'training' && this.#training.mayStart(slot)) {
        const steps = this.#training.start(slot, this.#model, nowMs);
        out.push({ type: 'event', event: { kind: 'round-started', round: slot } });
        out.push({ type: 'train', round: slot, steps, parameters: this.#model });
      }
    }
    if (this.#phase !== 'finished') {
      out.push({ type: 'wake-at', atMs: slotStartMs(this.#manifest, Math.max(0, slot + 1)) });
    }
  }

  /** x <- mean of our model and those that arrived since the last slot. */
  #average(out: Output[], slot: number): void {
    const round = slot - 1;
    if (round <= this.#averagedRound) return;
    this.#averagedRound = round;
    if (this.#inbox.size === 0) return;
    // In order of author, so that the floating-point sum does not depend on who was faster.
    const models = [...this.#inbox].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { model }]) => model);
    this.#model = meanOfVectors([this.#model, ...models]);
    out.push({ type: 'event', event: { kind: 'finalised', round, entries: models.length, root: '' } });
    this.#inbox.clear();
  }

  #trained(out: Output[], result: Input & { type: 'trained' }, slot: number, nowMs: number): void {
    const done = this.#training.finish(result.round, nowMs);
    if (!done) return;
    if (!Number.isFinite(result.loss) || !allFinite(result.parameters)) {
      const reason = 'training gave numbers that are not finite';
      out.push({ type: 'event', event: { kind: 'skipped', round: result.round, reason } });
      return;
    }
    this.#training.noteLoss(out, result.round, result.loss);
    this.#model =
      this.#model === done.start ? result.parameters : moved(this.#model, done.start, result.parameters);
    // Once a round: a node that dies before its next training has that average to lose, and no work.
    const body = encodeFloat32(this.#model);
    this.#persist(out, body);
    if (slot > result.round + 1) {
      out.push({
        type: 'event',
        event: { kind: 'skipped', round: result.round, reason: 'training took too long' },
      });
      return;
    }
    const envelope = sealEnvelope({ round: result.round, misses: 0 }, body, this.#context, this.#deps.signer);
    const bytes = encodeStoredEnvelope(envelope);
    for (const peer of pickRandom(this.#peers, this.#spec.fanout, this.#deps.random)) {
      this.#requests.open(out, { peer }, { kind: 'push', envelope: bytes });
    }
    const { round, bodyBytes } = envelope;
    out.push({ type: 'event', event: { kind: 'published', round, bodyBytes, loss: result.loss } });
  }

  #answer(out: Output[], input: Input & { type: 'request' }, slot: number): void {
    const request = decodeRequest(input.bytes);
    const taken = request?.kind === 'push' && this.#takeModel(out, input.from, request.envelope, slot);
    if (taken) out.push({ type: 'respond', token: input.token, frames: [] });
    else {
      if (request?.kind !== 'push') this.#refusals.add(out, 'bad-request', input.from);
      out.push({ type: 'refuse', token: input.token, reason: 'not a model this run takes' });
    }
  }

  #takeModel(out: Output[], from: PeerKey, bytes: Uint8Array, slot: number): boolean {
    const refuse = (reason: Parameters<Refusals['add']>[1]): false => {
      this.#refusals.add(out, reason, from);
      return false;
    };
    const opened = openEnvelope(bytes, this.#context);
    if (!opened.ok) return refuse(opened.reason);
    const { author, round, body } = opened.envelope;
    if (!this.#isMember(author)) return refuse('not-a-member');
    // A peer sends its own model and nobody else's: what another signed is a replay.
    const heard = this.#heard.get(from);
    if (author !== from || round <= (heard?.round ?? -1)) return refuse('replayed');
    if (round > slot + 1 || round >= this.#manifest.rounds) return refuse('too-early');
    if (round < slot - 1) return refuse('too-late');
    if (!body || (this.#inbox.size >= inboxMax && !this.#inbox.has(from))) return refuse('bad-body');
    let model: Float32Array;
    try {
      model = decodeFloat32(body, this.#model.length);
    } catch {
      return refuse('bad-body');
    }
    // Under the name that the caller knows the peer by: one string for all, where the envelope's is a new one.
    if (heard) {
      heard.round = round;
      heard.models += 1;
    } else this.#heard.set(from, { round, models: 1 });
    this.#inbox.set(from, { round, model });
    out.push({ type: 'event', event: { kind: 'accepted', round, author: from } });
    return true;
  }

  #persist(out: Output[], model: Uint8Array): void {
    out.push({ type: 'persist', writes: [{ key: MODEL_KEY, value: model }], durable: false });
  }

  #setPhase(out: Output[], phase: Phase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    if (phase === 'finished') this.#persist(out, encodeFloat32(this.#model));
    out.push({ type: 'event', event: { kind: 'phase', phase } });
  }
}

/** An average came in between: what training changed is applied to it. */
function moved(model: Float32Array, start: Float32Array, end: Float32Array): Float32Array {
  const result = model.slice();
  axpy(1, end, result);
  axpy(-1, start, result);
  return result;
}
