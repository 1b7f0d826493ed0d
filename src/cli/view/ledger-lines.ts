/** What a ledger says, for people. */
import { ConfigError } from '../../config/config-error.ts';
import type { RunLedger } from '../../daemon/run-ledger.ts';
import { scoreUnitsPerNat } from '../../learning/tfjs/delta-scores.ts';
import type { Account, Accounts } from '../../ledger/accounts.ts';
import type { Copy, Evidence } from '../../ledger/copies.ts';
import type { Ledger, LedgerDelta, LedgerRound, UndoneDelta } from '../../ledger/ledger.ts';
import { shareUnits } from '../../ledger/reward-policies.ts';
import { creditedTo } from '../../ledger/tally.ts';
import { formatPercent } from './format.ts';
import { textTable } from './text-table.ts';

const nats = (units: number): string => (units / scoreUnitsPerNat).toFixed(6);
const shortKey = (key: string): string => key.slice(0, 16);

/** For a terminal of so many columns. */
export function ledgerLines(found: RunLedger, accounts: Accounts, columns: number): string[] {
  const { summary, ledger, names } = found;
  const { checks, drop, remainder, peers } = accounts;
  const { examples, perRound, digest } = ledger.evaluation;
  const body = peers.map((one) => [
    names[one.peer] ?? shortKey(one.peer),
    String(one.deltas),
    nats(one.score),
    String(one.copies),
    nats(one.credit),
    `${nats(one.low)} to ${nats(one.high)}`,
    String(one.points),
    formatPercent(one.share / shareUnits),
  ]);
  const head = ['peer', 'deltas', 'score', 'copies', 'credit', '95 % of credit', 'points', 'share'];
  return [
    `run       ${summary.name} (${summary.runId}), rounds ${summary.fromRound} to ${summary.round}`,
    `measured  ${ledger.rounds.length} rounds, each on ${perRound} of ${examples} examples that the root of the log draws`,
    `          ${found.evaluation}, ${digest}`,
    `loss      ${drop < 0 ? 'grew' : 'fell'} by ${nats(Math.abs(drop))} nats, of which the scores explain all but ${nats(Math.abs(remainder))}`,
    checksLine(accounts),
    ...copyLines(ledger, names),
    ...undoneLines(ledger, names),
    '',
    ...textTable(head, body, { columns }).split('\n'),
    '',
    'score and credit in nats of loss, points in millionths of a nat: the average of the credit of a round, where it is above 0, times the rounds',
    ...(checks.rounds === 0 ? ['no round was drawn to be checked'] : []),
    `shares    ${policyText(accounts.policy)}${leftOver(peers)}`,
    `ledger    ${ledger.hash}`,
  ];
}

/** As `--policy` takes it. */
function policyText({ id, ...fields }: Accounts['policy']): string {
  const given = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return given.length === 0 ? id : `${id}:${given.join(',')}`;
}

/** A cap leaves something, and who has no points gets nothing of it. */
function leftOver(peers: Accounts['peers']): string {
  const left = shareUnits - peers.reduce((sum, { share }) => sum + share, 0);
  return left === 0 ? '' : `; ${formatPercent(left / shareUnits)} is nobody's, and stays with whoever pays`;
}

function checksLine({ checks }: Accounts): string {
  if (checks.rounds === 0) return 'checked   nothing by Shapley';
  const how = checks.correlation === null ? 'cannot be told' : checks.correlation.toFixed(4);
  return `checked   ${checks.pairs} deltas of ${checks.rounds} ${checks.rounds === 1 ? 'round' : 'rounds'} by Shapley: correlation ${how}`;
}

const evidenceText: Readonly<Record<Evidence, string>> = {
  anchor: 'it names a history in which the original is final',
  admission: 'the original was too old to be let in when its round began',
  round: 'it is of a later round, as both authors say; the log does not prove the order',
  ticket: 'of the same round; the lower ticket decides, which proves nothing',
};

function copyLines({ rounds }: Ledger, names: RunLedger['names']): string[] {
  const pairs = new Map<string, { count: number; copier: string; of: string; evidence: Set<Evidence> }>();
  for (const { deltas } of rounds) {
    for (const { author, copy } of deltas) {
      if (copy === null) continue;
      const key = `${author}${copy.author}`;
      const known = pairs.get(key) ?? { count: 0, copier: author, of: copy.author, evidence: new Set() };
      pairs.set(key, known);
      known.count += 1;
      known.evidence.add(copy.evidence);
    }
  }
  return [...pairs.values()].map(
    ({ count, copier, of, evidence }) =>
      `copies    ${count} of ${names[copier] ?? shortKey(copier)} are those of ${names[of] ?? shortKey(of)} (${[...evidence].map((one) => evidenceText[one]).join('; ')})`,
  );
}

function undoneLines({ undone }: Ledger, names: RunLedger['names']): string[] {
  return [...Map.groupBy(undone, ({ author }) => author)].map(
    ([author, deltas]) =>
      `undone    ${deltasText(deltas.length)} of ${names[author] ?? shortKey(author)} are out of the model since audits found it out, and have no score`,
  );
}

const deltasText = (count: number): string => `${count} ${count === 1 ? 'delta' : 'deltas'}`;

/** Every number of a peer with the entries and the formula that made it. @throws ConfigError where nobody or several are called so */
export function explainLines({ ledger, names }: RunLedger, accounts: Accounts, asked: string): string[] {
  const account = accountNamed(accounts.peers, names, asked);
  const { peer } = account;
  const own = ledger.rounds.flatMap((round) =>
    round.deltas.flatMap((delta) =>
      delta.author === peer || creditedTo(delta) === peer ? deltaLines(ledger, round, delta, peer) : [],
    ),
  );
  const { memory } = accounts;
  return [
    `peer      ${peer}${names[peer] === undefined ? '' : ` (${names[peer]})`}`,
    `score     ${nats(account.score)} nats = the sum of the scores of its ${account.deltas} deltas`,
    ...(account.undone > 0
      ? [
          `undone    ${deltasText(account.undone)} of it, which audits had taken out of the model again: they count nowhere here`,
        ]
      : []),
    `credit    ${nats(account.credit)} nats = that, less what its copies earned for others, and with what copies of its deltas earned`,
    memory === 1
      ? `points    ${account.points} = the credit in millionths of a nat, or 0 where it is below: all ${ledger.rounds.length} rounds count alike`
      : `points    ${account.points} = the sum of the credit of each round times ${memory} to the power of the rounds after it, in millionths, or 0 where it is below`,
    `interval  ${account.low} to ${account.high}: 95 % of what it comes to where the rounds are drawn anew with replacement, seeded by the hash of the ledger`,
    `share     ${formatPercent(account.share / shareUnits)} = by ${policyText(accounts.policy)}, of the points of all ${accounts.peers.length} peers`,
    '',
    'score of a delta = weight * <mean of the gradients of the loss before and after the round, delta>, on the examples of the round',
    ...own,
    ...ledger.undone.filter(({ author }) => author === peer).map(undoneLine),
    `ledger    ${ledger.hash}`,
  ];
}

function accountNamed(peers: readonly Account[], names: RunLedger['names'], asked: string): Account {
  const found = peers.filter(({ peer }) => peer.startsWith(asked) || names[peer] === asked);
  if (found.length === 1) return found[0]!;
  const there = peers.map(({ peer }) => names[peer] ?? shortKey(peer)).join(', ');
  const who = found.length === 0 ? 'no peer of the ledger is' : `${found.length} peers of the ledger are`;
  throw new ConfigError('BAD_USAGE', `${who} called ${asked}: there are ${there}`);
}

function deltaLines({ rules }: Ledger, round: LedgerRound, delta: LedgerDelta, peer: string): string[] {
  const { weight, norm, misses, steps, score, entry, author, copy } = delta;
  const staleness = 1 / (1 + misses / rules.committeeSize);
  const clip = norm > 0 ? Math.min(1, (rules.clipFactor * round.reference) / norm, rules.normMax / norm) : 0;
  const rest = staleness * clip > 0 ? weight / (staleness * clip) : 0;
  const whose = author === peer ? 'its delta' : `a copy by ${shortKey(author)}`;
  return [
    `round ${round.round}: ${whose}, entry ${entry}`,
    `  score   ${nats(score)} nats; the loss of the round went from ${nats(round.lossBefore)} to ${nats(round.lossAfter)}`,
    `  weight  ${weight.toPrecision(6)} = ${staleness.toPrecision(4)} for ${misses} entries missed (1 / (1 + misses / ${rules.committeeSize})) * ${clip.toPrecision(4)} for a norm of ${norm.toPrecision(4)} (at most ${rules.clipFactor} times ${round.reference.toPrecision(4)}) * ${rest.toPrecision(6)} for outer rate and share`,
    `  made of ${steps} steps; examples drawn by the root after round ${round.foldedAt}, ${round.root}`,
    ...(copy === null ? [] : copyOf(copy, score)),
  ];
}

function undoneLine({ round, entry, by }: UndoneDelta): string {
  return `round ${round}: its delta, entry ${entry}, taken out of the model again by what auditors had said by round ${by}; no score`;
}

function copyOf(
  { author, round, entry, same, named, usual, logBound, evidence }: Copy,
  score: number,
): string[] {
  return [
    `  copy    of entry ${entry} of ${shortKey(author)}, round ${round}: ${same} of ${named} coordinates have the same sign, nine of ten pairs of the round stay below ${formatPercent(usual)}`,
    `          P(that many or more) <= exp(${logBound}) for deltas of which on average at most ${formatPercent((1 + usual) / 2)} agree; ${evidenceText[evidence]}`,
    `          ${score > 0 ? 'what it earned goes to the author of the original' : 'it earned nothing; the harm stays with its author'}`,
  ];
}
