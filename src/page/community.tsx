/** The board of an arena and the models of a registry, as members of the run have written them. */
import { arenaPhase, isJudged } from '../node/commands/arena-phase.ts';
import type { Arena, Registry } from '../node/view/community.ts';
import type { RunView } from '../node/view/run-view.ts';
import { bytesText, percentText, unknown } from './figures.ts';
import { Table } from './table.tsx';

interface Told {
  readonly view: RunView;
  readonly nameOf: (key: string) => string;
}

export function ArenaSection({ arena, view, nameOf }: Told & { arena: Arena }) {
  const { rows, holders, submissions, untilRounds } = arena;
  const hasScores = isJudged(holders);
  const phase = view.phase === 'finished' ? 'over' : arenaPhase(untilRounds, view.round);
  return (
    <section class="wide" aria-labelledby="arena">
      <h2 id="arena">Arena</h2>
      <p>
        {submissions} {submissions === 1 ? 'submission' : 'submissions'}; now: {phase}. Final up to round{' '}
        {view.finalisedRound}; submissions are taken until round {untilRounds[0] ?? unknown}.
      </p>
      {rows.length > 0 && (
        <Table
          label="board of the arena, best first"
          numbersFrom={3}
          head={['model', 'by', 'why no score', 'rank', 'right on hidden shards', 'points']}
          rows={rows.map(({ name, author, rank, score, verdict, points, copyOf }, at) => ({
            key: `${name} ${at}`,
            cells: [
              name,
              nameOf(author),
              whyNoScore({ copyOf, score, verdict }, hasScores),
              rank === null ? unknown : String(rank),
              percentText(score),
              String(points),
            ],
          }))}
        />
      )}
      <Table
        label="holders of hidden shards"
        numbersFrom={2}
        head={['holder', 'it', 'examples', 'others come to the same', 'to something else']}
        rows={holders.map((one) => ({
          key: one.holder,
          isWrong: one.isOutvoted,
          cells: [
            nameOf(one.holder),
            one.isOutvoted ? 'is outvoted: its scores do not count' : wordOf(one),
            ...[one.examples, one.agree, one.disagree].map(String),
          ],
        }))}
      />
      <Refused refused={arena.refused} nameOf={nameOf} />
    </section>
  );
}

function whyNoScore(
  { copyOf, score, verdict }: Pick<Arena['rows'][number], 'copyOf' | 'score' | 'verdict'>,
  hasScores: boolean,
): string {
  if (copyOf !== null) return `a near copy of ${copyOf}`;
  if (score !== null) return '';
  return hasScores ? verdict : 'not scored yet';
}

function wordOf({ hasRevealed, hasCommitted }: Arena['holders'][number]): string {
  if (hasRevealed) return 'has revealed';
  return hasCommitted ? 'has committed' : 'has said nothing yet';
}

export function RegistrySection({ registry, nameOf }: Pick<Told, 'nameOf'> & { registry: Registry }) {
  const { models, publications } = registry;
  const more = publications - models.length;
  return (
    <section class="wide" aria-labelledby="registry">
      <h2 id="registry">Models</h2>
      {models.length === 0 && <p class="quiet">Nothing is published yet.</p>}
      {models.length > 0 && (
        <Table
          label="published models, newest first"
          numbersFrom={8}
          head={['model', 'by', 'what it is', 'licence', 'measured', 'comes from', 'said of it', 'asked']}
          rows={models.map((model) => ({
            key: model.title,
            isWrong: model.retired !== null,
            cells: [
              model.title,
              nameOf(model.author),
              `${model.kind} for ${model.task}, ${bytesText(model.bytes)}${model.retired === null ? '' : `; retired: ${model.retired}`}`,
              model.licence,
              model.metrics.map(({ name, value, data }) => `${name} ${value} on ${data}`).join('; ') ||
                unknown,
              lineageText(model.lineage),
              ratingsText(model.ratings, nameOf),
              usageText(model.usage),
            ],
          }))}
        />
      )}
      {more > 0 && <p class="quiet">And {more} older ones: starlings model search.</p>}
      <p class="quiet">
        Figures and uses are what members say of themselves; whether a file is what was published, starlings
        model verify finds out.
      </p>
      <Refused refused={registry.refused} nameOf={nameOf} />
    </section>
  );
}

type Model = Registry['models'][number];

function lineageText({ parent, run, arena }: Model['lineage']): string {
  const parts = [
    ...(parent === null ? [] : [`made of ${parent}`]),
    ...(run === null ? [] : [`run ${run.id.slice(0, 12)}…, round ${run.round}`]),
    ...(arena === null
      ? []
      : [`arena ${arena.id.slice(0, 12)}…, submission ${arena.submission.slice(0, 8)}`]),
  ];
  return parts.join('; ') || 'it does not say';
}

function ratingsText({ count, mean, said }: Model['ratings'], nameOf: Told['nameOf']): string {
  if (count === 0 || mean === null) return 'nothing yet';
  const words = said.map(
    ({ author, rating, text }) => `${nameOf(author)} ${rating}${text === null ? '' : `, ${text}`}`,
  );
  return `${mean.toFixed(1)} of 5 by ${count} (${words.join('; ')})`;
}

function usageText({ members, requests }: Model['usage']): string {
  return members === 0 ? unknown : `${requests} times by ${members}`;
}

function Refused({ refused, nameOf }: Pick<Told, 'nameOf'> & { refused: Arena['refused'] }) {
  const { last, counts } = refused;
  if (last.length === 0) return null;
  const sums = Object.entries(counts).map(([reason, count]) => `${reason} ${count}`);
  return (
    <details>
      <summary>what did not count ({sums.join(', ')})</summary>
      <ul>
        {last.map(({ round, author, kind, what, reason }, at) => (
          <li key={at}>
            round {round}: {kind} of {what} by {nameOf(author)}: {reason}
          </li>
        ))}
      </ul>
    </details>
  );
}
