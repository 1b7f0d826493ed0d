/** What the log of an alliance says of its members and its rounds: whose delta weighed what and why, how rounds were voted on. */
import type { PeerKey, WeighedBy, WeighedDelta } from '../core/io.ts';
import type { Verdict } from '../entries/ballot/ballot-state.ts';
import type { FoldedDeltas } from '../entries/delta/fold-deltas.ts';
import type { Place } from '../log/log-book.ts';
import type { LogState } from '../log/log-state.ts';
import { isDelta } from '../methods/delta-log/log-parts.ts';
import { type WeighedRound, Weighing } from '../methods/delta-log/weighing.ts';
import { NodeError } from '../node/node-error.ts';
import type { RunManifest } from '../run/manifest.ts';
import { type AnyParts, type ArchiveSummary, readLog } from './log-archive.ts';

export interface AllianceDelta extends Omit<WeighedDelta, 'why'> {
  /** `open`: its round is not folded yet. */
  readonly why: WeighedBy | 'open';
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
export async function allianceOf(place: string, run: string, signal?: AbortSignal): Promise<RunAlliance> {
  const reader = new AllianceReader();
  const summary = await readLog(place, run, {
    signal,
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

type Parts = Extract<AnyParts, { rules: unknown }>;

class AllianceReader {
  #manifest: RunManifest | null = null;
  #parts: Parts | null = null;
  #weighing: Weighing | null = null;
  readonly #rounds: WeighedRound[] = [];
  readonly #silences: Silence[] = [];
  #silenced = new Map<PeerKey, Silence>();
  readonly #authors = new Set<PeerKey>();
  /** Of the last round. */
  #state: Readonly<LogState> | null = null;

  open(manifest: RunManifest, parts: Parts): void {
    this.#manifest = manifest;
    this.#parts = parts;
    const { kinds, ballots, rules } = parts;
    this.#weighing = new Weighing({
      ...{ kinds, ballots: ballots!.number, judgingRounds: rules.judgingRounds },
    });
  }

  observeFold({ round, deltas, weights }: FoldedDeltas): void {
    this.#weighing?.observe(round, deltas, weights);
  }

  onRound(state: Readonly<LogState>, places: readonly Place[]): void {
    const settled = this.#weighing!.folded(state, places);
    if (settled) this.#rounds.push(settled);
    for (const { author, held } of places)
      if (held.kind === 'equivocation' || isDelta(held.entry)) this.#authors.add(author);
    this.#noteSilences(state);
    this.#state = state;
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
    const waiting = this.#weighing!.waiting().map(({ authors, ...one }) => ({
      ...one,
      deltas: authors.map((author) => ({ author, weight: 0, why: 'open' as const })),
    }));
    const rounds = [...this.#rounds, ...waiting];
    const silences = [...this.#silences, ...this.#silenced.values()].sort((a, b) => a.from - b.from);
    const last = this.#state;
    const shown = last ? this.#parts!.kinds.flatMap((kind, index) => kind.show(last.kinds[index])) : [];
    return {
      ...{ manifest: this.#manifest!, rounds, silences },
      shown: shown.map(({ author, text }) => ({ author, text })),
    };
  }
}
