/** The account of each peer: standing and share. */
import { spreadsheetLine } from '../core/csv-line.ts';
import type { PeerKey } from '../core/io.ts';
import type { Ledger } from './ledger.ts';
import { type RewardPolicySpec, sharesOf } from './reward-policies.ts';
import { type Checks, checksOf, type Standing, tally, tallyDefaults } from './tally.ts';

export interface Account extends Standing {
  /** Whole millionths of what is to be shared out. */
  readonly share: number;
}

export interface Accounts {
  readonly memory: number;
  readonly policy: RewardPolicySpec;
  /** Most points first. */
  readonly peers: readonly Account[];
  readonly checks: Checks;
  /** Of the rounds: how far the loss fell in all, on each round's own examples, and what of it no score explains, in 1e-6 nats. */
  readonly drop: number;
  readonly remainder: number;
}

export function accountsOf(
  ledger: Ledger,
  { memory, policy }: { readonly memory: number; readonly policy: RewardPolicySpec },
): Accounts {
  const standings = tally(ledger, { ...tallyDefaults, memory });
  const points = standings.map((standing) => standing.points);
  const shares = sharesOf(policy, points);
  const { rounds } = ledger;
  return {
    ...{ memory, policy, checks: checksOf(ledger) },
    peers: standings.map((standing, index) => ({ ...standing, share: shares[index]! })),
    drop: rounds.reduce((sum, { lossBefore, lossAfter }) => sum + lossBefore - lossAfter, 0),
    remainder: rounds.reduce((sum, { remainder }) => sum + remainder, 0),
  };
}

const columns = [
  ...['peer', 'name', 'deltas', 'copies', 'undone', 'score', 'credit', 'points', 'low', 'high', 'share'],
];

/** One row for each peer; scores, credit, points and interval in 1e-6 nats, shares in millionths. */
export function accountsCsv({ peers }: Accounts, names: Readonly<Record<PeerKey, string>>): string {
  const rows = peers.map(({ peer, deltas, copies, undone, score, credit, points, low, high, share }) =>
    spreadsheetLine([
      peer,
      names[peer] ?? '',
      deltas,
      copies,
      undone,
      score,
      credit,
      points,
      low,
      high,
      share,
    ]),
  );
  return `${[spreadsheetLine(columns), ...rows].join('\r\n')}\r\n`;
}
