/** A committee whose log is one list: members of the method, the reducer of its kinds, and nothing between them that could be late. */

import { equals } from 'uint8arrays';
import { secretBytesOf } from '../../sim/secret-bytes.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { PeerKey } from '../../src/core/io.ts';
import {
  integerMax,
  quorumOf,
  roundOf,
  type SecureSumRules,
  type Step,
  steps,
} from '../../src/entries/secure-sum/rules.ts';
import { createSumKinds, numberOf, type SumKinds } from '../../src/entries/secure-sum/sum-kind.ts';
import { cloneSumState, type SumState } from '../../src/entries/secure-sum/sum-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { Member, type MemberView, type Said } from '../../src/methods/secure-aggregation/member.ts';
import { plainRound } from '../entries/plain-round.ts';
import { crypto } from '../log/small-run.ts';

/** What is published in place of what a member says; null: nothing. */
export type Tampered = (said: Said, author: number) => Said | null;

export interface CommitteeOptions {
  readonly members: number;
  readonly size: number;
  readonly seed: string;
  readonly rules?: Partial<SecureSumRules>;
  /** Whether a member is away at a step of an epoch: it says nothing and hears of it later. */
  readonly isAway?: (member: number, step: Step, epoch: number) => boolean;
  /** Whether the vector of one reaches another before that one says what it has seen. */
  readonly isHeard?: (author: number, by: number) => boolean;
  readonly tamper?: Tampered;
}

export class Committee {
  readonly rules: SecureSumRules;
  readonly keys: readonly PeerKey[];
  readonly sums: SumKinds;
  readonly members: Member[];
  readonly state: SumState;
  /** Everything that was published: what whoever reads the log sees. */
  readonly log: LogEntry[] = [];
  /** What members put into their vectors, by epoch and member. */
  readonly vectors = new Map<string, Int16Array>();
  /** Secrets as members drew them, in the order of the draws: of each epoch self mask, mask key and sealing key first. */
  readonly drawn = new Map<number, Uint8Array[]>();
  readonly #options: CommitteeOptions;
  #incarnations = 0;

  constructor(options: CommitteeOptions) {
    this.#options = options;
    const { members, size, seed, rules } = options;
    this.keys = Array.from({ length: members }, (_, index) =>
      bytesToHex(crypto.sha256(Buffer.from(`${seed}/member/${index}`))),
    ).sort();
    this.rules = {
      ...{ runId: `run of ${seed}`, members: this.keys, committeeSize: members },
      ...quorumOf(members),
      ...{ cycle: 1, everyRounds: 1 },
      ...{ windowRounds: 3, admitRounds: 1, range: 1, outerRate: 1 },
      ...rules,
    };
    this.sums = createSumKinds({ rules: this.rules, crypto, initial: new Float32Array(size) });
    this.state = this.sums.kinds[0].initial();
    this.members = this.keys.map((_, index) => this.newMember(index));
  }

  /** As after a restart: of the same key, and with nothing of what the one before had in memory. */
  newMember(index: number): Member {
    const name = `${this.#options.seed}/secrets/${index}/${this.#incarnations++}`;
    const draw = secretBytesOf(crypto, name);
    const drawn: Uint8Array[] = [];
    this.drawn.set(index, drawn);
    const secretBytes = (length: number): Uint8Array => {
      const bytes = draw(length);
      drawn.push(bytes);
      return bytes;
    };
    const { committees } = this.sums;
    return new Member({ rules: this.rules, crypto, committees, self: this.keys[index]!, secretBytes });
  }

  /** All steps of an epoch, one after the other. */
  run(epoch: number): void {
    for (const step of steps) this.take(step, epoch);
  }

  /** What all who are there say at a step, as the log holds it in the end. */
  take(step: Step, epoch: number): void {
    const { isAway, tamper } = this.#options;
    const round = roundOf(step, epoch, this.rules);
    const entries: LogEntry[] = [];
    for (const [index, member] of this.members.entries()) {
      if (isAway?.(index, step, epoch)) continue;
      const said = member.next(this.viewOf(index, step, round));
      const published = said && tamper ? tamper(said, index) : said;
      if (published?.step === step) entries.push(this.entryOf(published, index));
    }
    this.log.push(...entries);
    this.reduce(round, entries);
  }

  reduce(round: number, entries: readonly LogEntry[]): void {
    const [first] = this.sums.kinds;
    first.reduce(this.state, { ...plainRound, round, entries: [], everything: entries });
  }

  viewOf(index: number, step: Step, round: number): MemberView {
    return {
      slot: round,
      finalRound: round - 1,
      final: this.state,
      live: () => this.state,
      isFree: (one, at) => one === step && at === round,
      vectorsIn: (at) => this.#vectorsFor(index, at),
      pay: (epoch) => this.#vectorOf(index, epoch),
    };
  }

  entryOf({ step, round, claims, body }: Said, index: number): LogEntry {
    const author = this.keys[index]!;
    const kind = numberOf(step);
    const content = this.sums.kinds[kind]!.decode(body, claims);
    if (content === null) throw new TypeError(`what is said at ${step} is refused by its form`);
    const id = bytesToHex(crypto.sha256(Buffer.from(`${author}/${round}/${step}`), body));
    return { author, round, kind, index: 0, claims, body, id, content } as unknown as LogEntry;
  }

  /** The sum of what these members put in, as the model has it: in units, with its sign turned. */
  expected(epoch: number, members: readonly number[]): number[] {
    const { range, outerRate } = this.rules;
    const perInteger = (outerRate * (range / integerMax(this.rules)) * 2 ** 42) / members.length;
    const width = this.sums.kinds[0].bodyBytesMax / 2;
    const expected = new Array<number>(this.state.units.length).fill(0);
    for (const [place, coordinate] of this.sums.coordinates.of(epoch).entries()) {
      let sum = 0;
      for (const member of members) sum += this.vectors.get(`${epoch}/${member}`)![place % width]!;
      expected[coordinate] = -Math.round(sum * perInteger) + 0;
    }
    return expected;
  }

  /** The state comes back from its bytes. */
  get isCanonical(): boolean {
    const [first] = this.sums.kinds;
    const bytes = first.encode(this.state);
    const again = first.decodeState(bytes);
    return (
      again !== null &&
      equals(first.encode(cloneSumState(again)), bytes) &&
      bytes.length <= first.stateBytesMax
    );
  }

  #vectorsFor(index: number, round: number): Map<PeerKey, string> {
    const heard = this.#options.isHeard;
    const vectors = this.log.filter(
      ({ kind, round: at, author }) =>
        kind === numberOf('masked') && at === round && (heard?.(this.keys.indexOf(author), index) ?? true),
    );
    return new Map(vectors.map(({ author, id }) => [author, id]));
  }

  #vectorOf(index: number, epoch: number): Int16Array {
    const name = `${epoch}/${index}`;
    const known = this.vectors.get(name);
    if (known) return known;
    const most = integerMax(this.rules);
    const width = this.sums.kinds[0].bodyBytesMax / 2;
    const used = this.sums.coordinates.of(epoch).length;
    const bytes = secretBytesOf(crypto, `${this.#options.seed}/vector/${name}`)(2 * width);
    const drawn = new Uint16Array(bytes.buffer);
    const vector = Int16Array.from(drawn, (value, place) =>
      place < used ? (value % (2 * most + 1)) - most : 0,
    );
    this.vectors.set(name, vector);
    return vector;
  }
}
