/** What a report on an alliance says, for a terminal, a page and programs alike. */
import type { AllianceDelta, RunAlliance } from '../../daemon/run-alliance.ts';
import { amount } from '../../node/words/amount.ts';
import { weighedWords } from '../../node/words/weighed-words.ts';
import type { SiteResults } from '../parts/site-results.ts';
import { areaWords, calibrationErrorOf, differenceWords, siteFacts } from './render-sites.ts';

export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
  readonly table: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] } | null;
}

type Why = AllianceDelta['why'];

const words: Readonly<Record<Why, string>> = { ...weighedWords, open: 'not folded' };

/** Columns of the table of members. */
const whyNot = [
  ...(['rolled-back', 'silenced', 'unseen', 'equivocated', 'not-drawn', 'open'] as const),
] satisfies Why[];
const shortKey = (key: string): string => key.slice(0, 16);
type Names = ReadonlyMap<string, string>;

export function allianceSections(
  alliance: RunAlliance,
  results: SiteResults | null,
  given: Names,
): readonly Section[] {
  const names = namesOf(alliance, given);
  return [
    overview(alliance, names),
    members(alliance, names),
    ...(results ? [sites(results)] : []),
    rounds(alliance, names),
  ];
}

function namesOf({ manifest }: RunAlliance, given: Names): Names {
  const { membership } = manifest;
  const own = membership.kind === 'allow-list' ? (membership.names ?? {}) : {};
  return new Map([...given, ...Object.entries(own)]);
}

const nameIn = (names: Names, key: string): string => names.get(key) ?? shortKey(key);

function silenceText({ author, from, until, text }: RunAlliance['silences'][number], names: Names): string {
  const ended = from === until ? `in round ${from}` : `in rounds ${from} to ${until}`;
  const when = until === null ? `from round ${from} on` : ended;
  return `silenced  ${nameIn(names, author)} ${when}: ${text}`;
}

function overview({ summary, rounds, silences, shown }: RunAlliance, names: Names): Section {
  const voted = rounds.flatMap(({ verdict }) => verdict ?? []);
  const back = voted.filter(({ isRolledBack }) => isRolledBack);
  const unjudged = voted.filter(({ median }) => median === null);
  return {
    title: `Alliance ${summary.name}`,
    lines: [
      `run       ${summary.runId}, rounds ${summary.fromRound} to ${summary.round}; model ${summary.modelHash}`,
      ...(summary.countedRounds < summary.rounds
        ? [
            `open      ${summary.countedRounds} of ${amount(summary.rounds, 'round')} counted: the run was not over when this was written`,
          ]
        : []),
      `votes     on ${amount(voted.length, 'round')}: ${voted.length - back.length - unjudged.length} stand, rolled back ${back.length}${back.length > 0 ? ` (${back.map(({ round }) => round).join(', ')})` : ''}, no quorum for ${unjudged.length}, which stand`,
      ...(silences.length === 0
        ? ['silenced  nobody']
        : silences.map((silence) => silenceText(silence, names))),
      ...shown.flatMap(({ author, text }) =>
        author !== null && /^(its vote weighs|refused)/.test(text)
          ? [`noted     ${nameIn(names, author)}: ${text}`]
          : [],
      ),
    ],
    table: null,
  };
}

function members({ rounds }: RunAlliance, names: Names): Section {
  const deltas = rounds.flatMap((round) => round.deltas);
  const keys = [...new Set(deltas.map(({ author }) => author))].sort();
  const total = deltas.reduce((sum, { weight }) => sum + weight, 0);
  const count = (key: string, why: Why): string =>
    String(deltas.filter((delta) => delta.author === key && delta.why === why).length);
  const rows = keys.map((key) => {
    const own = deltas.filter(({ author }) => author === key);
    const weight = own.reduce((sum, delta) => sum + delta.weight, 0);
    const votes = rounds.flatMap(({ verdict }) => verdict?.said.filter(({ voter }) => voter === key) ?? []);
    const silent = rounds.filter(({ verdict }) => verdict?.silent.includes(key)).length;
    const loss = (units: number | undefined): string =>
      units === undefined ? '-' : (units / 1e6).toFixed(3);
    return [
      ...[nameIn(names, key), String(own.length), count(key, 'weighed')],
      total > 0 ? `${((100 * weight) / total).toFixed(1)} %` : '-',
      ...whyNot.map((why) => count(key, why)),
      ...[String(votes.length), String(votes.filter(({ isFar }) => isFar).length), String(silent)],
      ...[loss(votes[0]?.before), loss(votes.at(-1)?.after)],
    ];
  });
  const head = [
    ...['', 'deltas', words.weighed, 'of all weight', ...whyNot.map((why) => words[why])],
    ...['votes', 'far off', 'not shown', 'own loss at first', 'at last'],
  ];
  return { title: 'Members: whose deltas weighed what, and why not', lines: [], table: { head, rows } };
}

function sites({ sites: all, pooled }: SiteResults): Section {
  const figure = (value: number | null): string => value?.toFixed(3) ?? '-';
  const rows = [...all, ...(all.length > 1 ? [pooled] : [])].map((site) => [
    ...[site.name, String(site.together.examples), areaWords(site.alone), areaWords(site.together)],
    differenceWords(site),
    ...[figure(calibrationErrorOf(site.alone)), figure(calibrationErrorOf(site.together))],
  ]);
  const head = ['', 'held out', 'AUC alone', 'AUC together', 'difference', 'ECE alone', 'ECE together'];
  return { title: 'Sites: alone and together, with 95 % intervals', lines: [], table: { head, rows } };
}

function rounds({ rounds: all }: RunAlliance, names: Names): Section {
  const rows = all.map(({ round, verdict, deltas }) => {
    const weights = deltas.map(({ author, weight, why }) => {
      const what = why === 'weighed' ? weight.toFixed(2) : words[why];
      return `${nameIn(names, author)} ${what}`;
    });
    const outcome =
      verdict === null
        ? 'no vote'
        : verdict.median === null
          ? 'no quorum'
          : verdict.isRolledBack
            ? 'rolled back'
            : 'stands';
    const growth = verdict?.median == null ? '-' : `${(verdict.median / 1e4).toFixed(2)} %`;
    const said = verdict === null ? '-' : `${verdict.said.length} of ${verdict.voters}`;
    return [String(round), outcome, growth, said, weights.join(', ')];
  });
  const head = ['round', 'it', 'loss grew by', 'votes', 'weights'];
  return { title: 'Rounds', lines: [], table: { head, rows } };
}

/** The same in numbers. */
export function allianceFacts(
  alliance: RunAlliance,
  results: SiteResults | null,
  given: Names,
): Record<string, unknown> {
  const { summary, rounds: all, silences } = alliance;
  const names = namesOf(alliance, given);
  return {
    ...{ summary, rounds: all, names: Object.fromEntries(names) },
    rolledBack: all.flatMap(({ round, verdict }) => (verdict?.isRolledBack ? [round] : [])),
    silences: silences.map((silence) => ({ ...silence, name: names.get(silence.author) ?? null })),
    sites: results ? [...results.sites, results.pooled].map(siteFacts) : [],
  };
}
