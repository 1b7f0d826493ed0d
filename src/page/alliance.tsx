/** An alliance: whose deltas weigh what and why not, what became of rounds, and what members have of it. */
import type { WeighedBy } from '../core/io.ts';
import { fullStanding } from '../entries/ballot/verdict.ts';
import type { RoundWeights } from '../node/view/run-history.ts';
import { weighedWords } from '../node/words/weighed-words.ts';
import type { AllianceDrawn, AllianceMember } from './community-model.ts';
import { measureText, percentText, unknown } from './figures.ts';
import { Table } from './table.tsx';

const roundsShown = 12;

export function AllianceSection({ alliance }: { alliance: AllianceDrawn }) {
  const { counts, members, rounds, nameOf } = alliance;
  const { kept, rolledBack, unjudged } = counts;
  const figure = members.find(({ together }) => together)?.together?.id ?? 'accuracy';
  return (
    <section class="wide" aria-labelledby="alliance">
      <h2 id="alliance">Alliance</h2>
      <p>
        Of {kept + rolledBack + unjudged} rounds that were voted on {kept} stand, {rolledBack}{' '}
        {rolledBack === 1 ? 'is' : 'are'} rolled back, {unjudged} had no quorum and stand.
      </p>
      <p class="quiet">
        Weights are of the {rounds.length} rounds that were folded last. Alone: what a twin that learns from
        the node's own data does on the same examples, where the node was started with --compare-alone.
      </p>
      <Table
        label="members of the alliance"
        numbersFrom={2}
        head={[
          ...['member', 'now', 'weighed', 'of all weight', 'and not', 'its vote weighs'],
          ...[`${figure} alone`, `${figure} together`],
        ]}
        rows={members.map((member) => ({
          key: member.name,
          isWrong: member.silenced !== null,
          cells: [
            member.name,
            standsOf(member),
            String(member.deltas.get('weighed') ?? 0),
            percentText(member.share),
            reasonsOf(member.deltas),
            `${member.standing}/${fullStanding}`,
            measureText(member.alone),
            measureText(member.together),
          ],
        }))}
      />
      <Table
        label="rounds of the alliance, newest first"
        numbersFrom={5}
        head={['round', 'it', 'loss grew by', 'votes', 'what deltas weighed']}
        rows={rounds.slice(0, roundsShown).map((round) => ({
          key: String(round.round),
          isWrong: round.vote?.outcome === 'rolled-back',
          cells: [String(round.round), ...voteCells(round, nameOf), weightsText(round, nameOf)],
        }))}
      />
    </section>
  );
}

function standsOf({ silenced }: AllianceMember): string {
  if (silenced === null) return 'its deltas weigh';
  return `silenced${silenced.round === null ? '' : ` since the end of round ${silenced.round}`}: ${silenced.text}`;
}

function reasonsOf(deltas: ReadonlyMap<WeighedBy, number>): string {
  const reasons = [...deltas].filter(([why]) => why !== 'weighed');
  return reasons.length === 0
    ? '0'
    : reasons.map(([why, count]) => `${count} ${weighedWords[why]}`).join(', ');
}

function voteCells({ vote }: RoundWeights, nameOf: (key: string) => string): string[] {
  if (vote === null) return ['no vote', unknown, unknown];
  const outcomes = {
    stands: 'stands',
    'rolled-back': 'rolled back',
    'no-quorum': 'no quorum, stands',
  } as const;
  const named = (keys: readonly string[], what: string): string =>
    keys.length === 0 ? '' : `; ${what}: ${keys.map(nameOf).join(', ')}`;
  return [
    outcomes[vote.outcome],
    vote.growth === null ? unknown : `${(100 * vote.growth).toFixed(2)} %`,
    `${vote.said} of ${vote.voters}${named(vote.silent, 'not shown')}${named(vote.far, 'far off')}`,
  ];
}

function weightsText({ deltas }: RoundWeights, nameOf: (key: string) => string): string {
  return deltas
    .map(({ author, weight, why }) =>
      why === 'weighed' ? `${nameOf(author)} ${weight.toFixed(2)}` : `${nameOf(author)} ${weighedWords[why]}`,
    )
    .join(', ');
}
