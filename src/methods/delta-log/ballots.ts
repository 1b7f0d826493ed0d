/**
 * Our own votes on whole rounds: asked of the learner once no delta of a round is admitted any more, committed to, and shown when
 * nobody can commit any more. What was committed to is in the store before it is announced, so that it is shown after a restart too.
 */
import { be32 } from '../../core/bytes.ts';
import type { Crypto, Signer } from '../../core/crypto.ts';
import type { Output, OutputSink } from '../../core/io.ts';
import {
  type BallotDuty,
  type BallotKind,
  ballotIndex,
  ballotRounds,
} from '../../entries/ballot/ballot-kind.ts';
import { lossMax } from '../../entries/ballot/ballot-state.ts';
import type { DeltaKind } from '../../entries/delta/delta-kind.ts';
import type { DeltaState } from '../../entries/delta/delta-state.ts';
import type { Claim } from '../../log/envelope.ts';
import { type Speaking, say, type Words } from './words.ts';

const prefix = 'self/ballot/';
const ballotKey = (round: number): string => `${prefix}${round.toString().padStart(10, '0')}`;
const millionths = 1e6;

export interface BallotsOptions extends Speaking {
  readonly kind: BallotKind;
  /** Of the kind among those of the run. */
  readonly number: number;
  readonly delta: DeltaKind;
  readonly runId: string;
  readonly crypto: Crypto;
  readonly signer: Signer;
  readonly admitRounds: number;
}

export class Ballots {
  readonly #options: BallotsOptions;
  readonly #after: ReturnType<typeof ballotRounds>;
  /** What we are going to show, by the round that it is about. */
  readonly #kept = new Map<number, Uint8Array>();
  #asked: BallotDuty | null = null;
  /** Rounds up to it were looked at. */
  #lookedAt = -1;

  constructor(options: BallotsOptions) {
    this.#options = options;
    this.#after = ballotRounds(options.admitRounds);
  }

  restore(stored: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, value] of stored) {
      if (!key.startsWith(prefix)) continue;
      const round = Number(key.slice(prefix.length));
      this.#kept.set(round, value);
      this.#lookedAt = Math.max(this.#lookedAt, round);
    }
  }

  /** Votes on the round that is closed in this slot, and shows what was promised of an earlier one. */
  tick(out: Output[], slot: number): void {
    const { phase } = this.#options.log;
    if (phase === 'joining' || phase === 'finished') return;
    this.#showDue(out, slot);
    this.#ask(out, slot);
  }

  /** Commits to what was found, unless it is stale or too late. */
  scored(out: Output[], round: number, losses: readonly number[] | null, nowMs: number): void {
    const duty = this.#asked;
    if (duty?.round !== round) return;
    this.#asked = null;
    const { kind, signer, admitRounds, log } = this.#options;
    const into = round + this.#after.commit;
    if (losses?.length !== 2 || log.clock.slotAt(nowMs) > into + admitRounds) return;
    const [before, after] = losses.map(unitsOf);
    const said = { salt: this.#saltOf(round), before: before!, after: after!, seen: duty.seen };
    const { commit, show } = kind.compose(signer.key, said);
    const writes = [{ key: ballotKey(round), value: show }];
    const words = { round: into, index: ballotIndex.commit, claims: [], body: commit, writes };
    if (this.#say(out, words)) this.#kept.set(round, show);
  }

  /** The losses without the round and with it, where we are drawn for it. */
  #ask(out: OutputSink, slot: number): void {
    const { kind, number, delta, signer, log } = this.#options;
    const round = slot - this.#after.commit;
    if (round <= this.#lookedAt) return;
    this.#lookedAt = round;
    this.#asked = null;
    if (round <= log.replica.base.round) return;
    const { kinds } = log.replica.stateAfter(round);
    this.#asked = kind.dutyIn(kinds[number], round, signer.key);
    if (!this.#asked) return;
    // The round alone: what is rolled back in the meantime is none of its doing.
    const state = kinds[0] as DeltaState;
    const vectors = [delta.parametersBeforeNewest(state), delta.parameters(state)];
    out.push({ type: 'score', round, vectors });
  }

  #showDue(out: Output[], slot: number): void {
    const { show } = this.#after;
    for (const [round, body] of this.#kept) {
      if (slot < round + show) continue;
      this.#kept.delete(round);
      const writes = [{ key: ballotKey(round), value: null }];
      const claims = slot === round + show ? this.#commitmentsTo(round) : [];
      if (!this.#say(out, { round: round + show, index: ballotIndex.show, claims, body, writes }))
        out.push({ type: 'persist', writes, durable: false });
    }
  }

  /** That we have. Later on it would be no evidence: who knows the votes that were shown may have dated one back. */
  #commitmentsTo(round: number): readonly Claim[] {
    const { kind, number, log } = this.#options;
    const { kinds } = log.replica.stateAfter(round + this.#after.commit);
    return kind.namesIn(kinds[number], round);
  }

  #say(out: Output[], ballot: Omit<Words, 'kind'>): boolean {
    return say(out, { ...ballot, kind: this.#options.number }, this.#options);
  }

  /** Nobody else can know it, and we can find it again: signatures are deterministic. */
  #saltOf(round: number): Uint8Array {
    const { crypto, signer, runId } = this.#options;
    const text = new TextEncoder().encode(`salt of a ballot/${runId}/`);
    const message = new Uint8Array([...text, ...be32(round)]);
    return crypto.sha256(signer.sign(message)).slice(0, 16);
  }
}

/** A model that gives no numbers any more is as bad as can be. */
function unitsOf(loss: number): number {
  const units = Math.round(millionths * loss);
  return Number.isNaN(units) ? lossMax : Math.max(0, Math.min(lossMax, units));
}
