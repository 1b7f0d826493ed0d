/** What the page shows of an alliance, as it follows from what was told. Pure. */
import type { Hello } from '../api/live.ts';
import type { WeighedBy } from '../core/io.ts';
import { fullStanding } from '../entries/ballot/verdict.ts';
import type { RoundWeights } from '../node/view/run-history.ts';
import type { RunView } from '../node/view/run-view.ts';
import { headlineOf, type Measure } from '../tasks/measures.ts';
import { namesOf, rowsOf } from './model.ts';

export interface AllianceMember {
  readonly name: string;
  /** Deltas in the rounds that are shown, by what became of them. */
  readonly deltas: ReadonlyMap<WeighedBy, number>;
  /** Of all weight in these rounds. */
  readonly share: number;
  readonly silenced: { readonly round: number | null; readonly text: string } | null;
  /** Of its vote, in parts of `fullStanding`. */
  readonly standing: number;
  /** Of nodes that tell this page themselves: the same figure of the model here and of a twin that learns from its data alone. */
  readonly together: Measure | null;
  readonly alone: Measure | null;
}

export interface AllianceDrawn {
  readonly counts: { readonly kept: number; readonly rolledBack: number; readonly unjudged: number };
  readonly members: readonly AllianceMember[];
  /** Newest first. */
  readonly rounds: readonly RoundWeights[];
  readonly nameOf: (key: string) => string;
}

/** The view of the node whose log is final furthest, with the names by which this page calls peers; null where nobody has any. */
export function furthest(
  hello: Hello,
  runId: string | null,
): { readonly view: RunView; readonly nameOf: (key: string) => string } | null {
  const views = rowsOf(hello, runId).flatMap(({ view }) => view ?? []);
  const [view] = views.toSorted((a, b) => b.finalisedRound - a.finalisedRound);
  const names = namesOf(hello, runId);
  return view ? { view, nameOf: (key) => names.get(key) ?? key.slice(0, 8) } : null;
}

/** Null where members do not vote. */
export function allianceOf(hello: Hello, runId: string | null): AllianceDrawn | null {
  const found = furthest(hello, runId);
  const alliance = found?.view.community?.alliance;
  if (!found || !alliance) return null;
  const { view, nameOf } = found;
  const rounds = weighedIn(hello, runId);
  const deltas = rounds.flatMap((round) => round.deltas);
  const total = deltas.reduce((sum, { weight }) => sum + weight, 0);
  const silenced = view.shown.filter((line) => line.silenced);
  const keys = new Set([
    ...deltas.map(({ author }) => author),
    ...silenced.flatMap(({ author }) => author ?? []),
    ...alliance.standings.map(({ voter }) => voter),
  ]);
  const rows = rowsOf(hello, runId);
  const members = [...keys].map((key): AllianceMember => {
    const own = deltas.filter(({ author }) => author === key);
    const counts = new Map<WeighedBy, number>();
    for (const { why } of own) counts.set(why, (counts.get(why) ?? 0) + 1);
    const weight = own.reduce((sum, delta) => sum + delta.weight, 0);
    const watched = rows.find(({ peerKey }) => peerKey === key)?.view ?? null;
    return {
      ...{ name: nameOf(key), deltas: counts, share: total > 0 ? weight / total : 0 },
      silenced: silenced.find(({ author }) => author === key) ?? null,
      standing: alliance.standings.find(({ voter }) => voter === key)?.standing ?? fullStanding,
      together: watched && headlineOf(watched),
      alone: watched?.alone ? headlineOf(watched.alone) : null,
    };
  });
  return {
    counts: alliance.counts,
    members: members.sort((a, b) => a.name.localeCompare(b.name)),
    ...{ rounds, nameOf },
  };
}

/** What any node tells of rounds; newest first. */
function weighedIn({ nodes }: Hello, runId: string | null): readonly RoundWeights[] {
  const rounds = new Map<number, RoundWeights>();
  for (const { runs } of nodes)
    for (const { view, history } of runs)
      if (view.runId === runId) for (const one of history.weighed) rounds.set(one.round, one);
  return [...rounds.values()].sort((a, b) => b.round - a.round);
}
