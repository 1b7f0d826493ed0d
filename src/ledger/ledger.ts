/** The ledger of a run: a function of its log and of an evaluation set, the same whoever computes it. */
import * as dagCbor from '@ipld/dag-cbor';
import { bytesToHex, hexToBytes } from '../core/bytes.ts';
import type { Crypto } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import type { DeltaRules } from '../entries/delta/delta-state.ts';
import type { LogFrame } from '../log/log-state.ts';
import { rngFor } from '../math/rng.ts';
import { type Copy, CopyFinder } from './copies.ts';
import type { Evaluation } from './evaluation.ts';
import type { EntryFacts, Recorded, RecordedRound } from './fold-recorder.ts';
import { scoreRound, spotCheck } from './score-round.ts';

export interface LedgerSettings {
  /** Deltas of so many earlier rounds are looked through for what a delta was copied from. */
  readonly copyRounds: number;
  /** Share of the rounds that are computed by Shapley too; the first always is. */
  readonly spotRate: number;
  /** Orders of the players in a round that is checked. */
  readonly permutations: number;
}

export const ledgerDefaults: LedgerSettings = { copyRounds: 8, spotRate: 0.02, permutations: 4 };

export interface LedgerDelta {
  readonly author: PeerKey;
  /** Id of the entry that carried it. */
  readonly entry: string;
  readonly weight: number;
  readonly norm: number;
  readonly misses: number;
  readonly steps: number;
  /** In 1e-6 nats. */
  readonly score: number;
  readonly copy: Copy | null;
}

export interface LedgerRound {
  readonly round: number;
  /** The round of the log with which it became part of the model, and the root after that, from which the examples were drawn. */
  readonly foldedAt: number;
  readonly root: string;
  /** What norms were measured by. */
  readonly reference: number;
  /** On the examples of the round, in 1e-6 nats. */
  readonly lossBefore: number;
  readonly lossAfter: number;
  /** The drop of the loss less the sum of the scores. */
  readonly remainder: number;
  readonly deltas: readonly LedgerDelta[];
  /** By Shapley, one for each delta; null where the round was not checked. */
  readonly shapley: readonly number[] | null;
}

/** A delta that was folded, and taken out of the model again when its author was found out: it has no score. */
export interface UndoneDelta {
  readonly author: PeerKey;
  readonly entry: string;
  readonly round: number;
  /** The round of the log whose verdict did it. */
  readonly by: number;
}

export interface Ledger {
  readonly runId: string;
  readonly evaluation: { readonly examples: number; readonly perRound: number; readonly digest: string };
  readonly settings: LedgerSettings;
  readonly rules: Pick<DeltaRules, 'clipFactor' | 'normMax' | 'committeeSize' | 'overlap'>;
  /** Those in which a delta moved the model, oldest first. */
  readonly rounds: readonly LedgerRound[];
  readonly undone: readonly UndoneDelta[];
  /** SHA-256 (hex) of all of the above. */
  readonly hash: string;
}

export interface LedgerOptions {
  readonly runId: string;
  readonly crypto: Crypto;
  readonly rules: DeltaRules;
  readonly frame: Pick<LogFrame, 'admitRounds'>;
  readonly evaluation: Evaluation;
  readonly settings: LedgerSettings;
  /** Between steps of what takes long: somebody else is heard. @throws to stop */
  readonly turn: () => Promise<void>;
}

/** Of an entry that the archive does not reach back to. */
const unknown: EntryFacts = { id: '', anchor: null };

/** Takes rounds as they are folded. */
export class LedgerBuilder {
  readonly #options: LedgerOptions;
  readonly #copies: CopyFinder;
  readonly #rounds: LedgerRound[] = [];
  readonly #undone: UndoneDelta[] = [];

  constructor(options: LedgerOptions) {
    this.#options = options;
    const { settings, frame } = options;
    this.#copies = new CopyFinder({ rounds: settings.copyRounds, admitRounds: frame.admitRounds });
  }

  /** The root after a round, whether anything was folded with it or not. */
  noteRoot(round: number, root: Uint8Array): void {
    this.#copies.noteRoot(round, root);
  }

  async add(recorded: Recorded): Promise<void> {
    switch (recorded.kind) {
      case 'folded':
        return this.#folded(recorded.round);
      case 'undone':
        return this.#anew(recorded);
      default:
        return recorded satisfies never;
    }
  }

  async #folded(recorded: RecordedRound): Promise<void> {
    const { round, entries } = recorded;
    const facts = (author: PeerKey) => entries.get(author) ?? unknown;
    const deltas = recorded.deltas.map((delta) => ({ ...delta, ...facts(delta.author), round }));
    const copies = this.#copies.find(round, deltas);
    for (;;) {
      const { done, value } = copies.next();
      if (done) {
        this.#rounds.push(await this.#scored(recorded, value));
        return;
      }
      await this.#options.turn();
    }
  }

  /** Rounds that were folded anew are scored anew, by the models that there are now; what was taken out has no score. */
  async #anew({ rounds, by }: Extract<Recorded, { kind: 'undone' }>): Promise<void> {
    const { from, authors } = rounds;
    const isOut = ({ author, round }: { readonly author: PeerKey; readonly round: number }): boolean =>
      round >= from && authors.has(author);
    this.#copies.forget(isOut);
    const at = this.#rounds.findIndex(({ round }) => round >= from);
    const before = new Map((at < 0 ? [] : this.#rounds.splice(at)).map((row) => [row.round, row] as const));
    for (const { round, deltas } of before.values())
      for (const { author, entry } of deltas)
        if (isOut({ author, round })) this.#undone.push({ author, entry, round, by });
    for (const folded of rounds.folds()) {
      const row = before.get(folded.round);
      // Of rounds before those of the archive nothing was scored.
      if (!row) continue;
      const { foldedAt, root, deltas } = row;
      const copies = deltas.map(({ author, copy }) => [author, copy && isOut(copy) ? null : copy] as const);
      const entries = new Map(deltas.map(({ author, entry }) => [author, { id: entry, anchor: null }]));
      const recorded = { ...folded, foldedAt, root: hexToBytes(root), entries };
      this.#rounds.push(await this.#scored(recorded, new Map(copies)));
    }
  }

  async #scored(recorded: RecordedRound, copies: ReadonlyMap<PeerKey, Copy | null>): Promise<LedgerRound> {
    const { evaluation, rules } = this.#options;
    const { round, foldedAt, root, reference, entries, weights } = recorded;
    const { lossBefore, lossAfter, scores } = await scoreRound(recorded, evaluation, rules.overlap);
    return {
      ...{ round, foldedAt, root: bytesToHex(root), reference, lossBefore, lossAfter },
      remainder: lossBefore - lossAfter - scores.reduce((sum, score) => sum + score, 0),
      deltas: recorded.deltas.map(({ author, content: { norm, misses, steps } }, index) => ({
        ...{
          author,
          entry: (entries.get(author) ?? unknown).id,
          weight: weights[index]!,
          norm,
          misses,
          steps,
        },
        ...{ score: scores[index]!, copy: copies.get(author) ?? null },
      })),
      shapley: await this.#checked(recorded),
    };
  }

  /** Drawn by the root, so that whoever computes the ledger checks the same rounds. */
  async #checked(recorded: RecordedRound): Promise<readonly number[] | null> {
    const { runId, evaluation, rules, settings } = this.#options;
    const key = `ledger-check/${runId}/${recorded.round}/${bytesToHex(recorded.root)}`;
    const isDrawn = this.#rounds.length === 0 || rngFor(key).float() < settings.spotRate;
    if (!isDrawn || settings.spotRate === 0 || recorded.deltas.length < 2) return null;
    const { overlap } = rules;
    return spotCheck(recorded, evaluation, {
      ...{ overlap, permutations: settings.permutations, key: `${key}/orders` },
    });
  }

  finish(): Ledger {
    const { runId, evaluation, settings, crypto } = this.#options;
    const { clipFactor, normMax, committeeSize, overlap } = this.#options.rules;
    const { examples, examplesPerRound: perRound, digest } = evaluation;
    const whole = {
      ...{ runId, evaluation: { examples, perRound, digest }, settings },
      ...{
        rules: { clipFactor, normMax, committeeSize, overlap },
        rounds: this.#rounds,
        undone: this.#undone,
      },
    };
    return { ...whole, hash: bytesToHex(crypto.sha256(dagCbor.encode(whole))) };
  }
}
