/** What the log of an alliance says of its members and its rounds: whose delta weighed what and why, how rounds were voted on. */
import type { PeerKey } from '../core/io.ts';
import { verdictsOf } from '../entries/ballot/ballot-kind.ts';
import type { Verdict } from '../entries/ballot/ballot-state.ts';
import type { FoldedDeltas } from '../entries/delta/fold-deltas.ts';
import type { Place } from '../log/log-book.ts';
import type { LogState } from '../log/log-state.ts';
import { isDelta } from '../methods/delta-log/log-parts.ts';
import { NodeError } from '../node/node-error.ts';
import type { RunManifest } from '../run/manifest.ts';
import { type AnyParts, type ArchiveSummary, readLog } from './log-archive.ts';

/** Why a delta weighed nothing, or `weighed` where it did. */
export type WeighedBy =
  | 'weighed'
  | 'rolled-back'
  | 'silenced'
  | 'unseen'
  | 'equivocated'
  | 'not-drawn'
  | 'open';

export interface AllianceDelta {
  readonly author: PeerKey;
  readonly weight: number;
  readonly why: WeighedBy;
}

export interface AllianceRound {
  readonly round: number;
  readonly deltas: readonly AllianceDelta[];
  /** Null where nobody has voted on it yet, or nobody published in it. */
  readonly verdict: Verdict | null;
}

/** Rounds whose deltas of somebody carried no weight for what was remembered of it. */
export interface Silence {
  readonly author: PeerKey;
  readonly from: number;
  /** The last one; null while it goes on. */
  readonly until: number | null;
  /** What the kind of entry that did it said of the author when it began. */
  readonly text: string;
}

export interface RunAlliance {
  readonly summary: ArchiveSummary;
  readonly manifest: RunManifest;
  readonly rounds: readonly AllianceRound[];
  readonly silences: readonly Silence[];
  /** Lines of what was refused, or weighs less. */
  readonly shown: ReadonlyArray<{ readonly author: PeerKey | null; readonly text: string }>;
}

/** @throws as `readLog`; NodeError for a run that is no alliance */
export async function allianceOf(place: string, run: string): Promise<RunAlliance> {
  const reader = new AllianceReader();
  const summary = await readLog(place, run, {
    observeFold: (folded) => reader.observeFold(folded),
    onRound: (state, places) => reader.onRound(state, places),
    async opened({ manifest, runId }, parts) {
      if (!('rules' in parts) || !parts.ballots)
        throw new NodeError('NO_ALLIANCE', `run ${runId} is no alliance: its members do not vote on rounds`);
      reader.open(manifest, parts);
    },
  });
  return { summary, ...reader.finish() };
}

interface OpenRound {
  readonly authors: readonly PeerKey[];
  weights: ReadonlyMap<PeerKey, number> | null;
  verdict: Verdict | null;
  why: ReadonlyMap<PeerKey, WeighedBy>;
}

type Parts = Extract<AnyParts, { rules: unknown }>;

class AllianceReader {
  #manifest: RunManifest | null = null;
  #parts: Parts | null = null;
  #folded: FoldedDeltas | null = null;
  readonly #rounds = new Map<number, OpenRound>();
  readonly #silences: Silence[] = [];
  #silenced = new Map<PeerKey, Silence>();
  #banned = new Set<PeerKey>();
  readonly #authors = new Set<PeerKey>();
  /** Of the last round. */
  #state: Readonly<LogState> | null = null;

  open(manifest: RunManifest, parts: Parts): void {
    this.#manifest = manifest;
    this.#parts = parts;
  }

  observeFold(folded: FoldedDeltas): void {
    this.#folded = folded;
  }

  onRound(state: Readonly<LogState>, places: readonly Place[]): void {
    const { rules, ballots } = this.#parts!;
    const authors = places.flatMap(({ author, held }) =>
      held.kind === 'equivocation' || isDelta(held.entry) ? [author] : [],
    );
    if (authors.length > 0)
      this.#rounds.set(state.round, { authors, weights: null, verdict: null, why: new Map() });
    for (const author of authors) this.#authors.add(author);
    for (const verdict of verdictsOf(state.kinds[ballots!.number])) {
      const one = this.#rounds.get(verdict.round);
      if (one) one.verdict ??= verdict;
    }
    this.#settle(state.round - rules.judgingRounds);
    this.#noteSilences(state);
    this.#banned = new Set(state.banned.keys());
    this.#state = state;
  }

  /** What a round that has just been folded weighed; who was silenced then is known from the round before. */
  #settle(round: number): void {
    const one = this.#rounds.get(round);
    const folded = this.#folded?.round === round ? this.#folded : null;
    this.#folded = null;
    if (!one) return;
    one.weights = new Map(
      folded?.deltas.map(({ author }, index) => [author, folded.weights[index]!] as const) ?? [],
    );
    one.why = new Map(one.authors.map((author) => [author, this.#whyNot(author, one)]));
  }

  #whyNot(author: PeerKey, { weights, verdict }: OpenRound): WeighedBy {
    if (weights?.has(author)) return 'weighed';
    if (verdict?.isRolledBack) return 'rolled-back';
    if (verdict?.unseen.includes(author)) return 'unseen';
    if (this.#silenced.has(author)) return 'silenced';
    return this.#banned.has(author) ? 'equivocated' : 'not-drawn';
  }

  #noteSilences({ round, kinds }: Readonly<LogState>): void {
    // Of the deltas that are folded now, as in the table of rounds.
    const about = Math.max(0, round - this.#parts!.rules.judgingRounds);
    for (const author of this.#authors) {
      const by = this.#parts!.kinds.findIndex(
        (kind, index) => kind.silences?.(kinds[index], author) ?? false,
      );
      const before = this.#silenced.get(author);
      if (by < 0) {
        if (before) this.#silences.push({ ...before, until: about });
        this.#silenced.delete(author);
        continue;
      }
      if (before) continue;
      const lines = this.#parts!.kinds[by]!.show(kinds[by]);
      const text = lines.find((line) => line.author === author)?.text ?? '';
      this.#silenced.set(author, { author, from: about + 1, until: null, text });
    }
  }

  finish(): Omit<RunAlliance, 'summary'> {
    const rounds = [...this.#rounds].map(([round, { authors, weights, verdict, why }]) => ({
      ...{ round, verdict },
      deltas: authors.map((author) => ({
        author,
        weight: weights?.get(author) ?? 0,
        why: why.get(author) ?? ('open' as const),
      })),
    }));
    const silences = [...this.#silences, ...this.#silenced.values()].sort((a, b) => a.from - b.from);
    const last = this.#state;
    const shown = last ? this.#parts!.kinds.flatMap((kind, index) => kind.show(last.kinds[index])) : [];
    return {
      ...{ manifest: this.#manifest!, rounds, silences },
      shown: shown.map(({ author, text }) => ({ author, text })),
    };
  }
}
