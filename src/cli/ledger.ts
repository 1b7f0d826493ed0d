import { type Command, InvalidArgumentError } from 'commander';
import type { RunLedgerOptions } from '../daemon/run-ledger.ts';
import { numberBetween, wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { checkReplaceable } from './parts/may-write.ts';

interface Options {
  readonly run?: string;
  readonly evaluation?: string;
  readonly examples: number;
  readonly memory: number;
  readonly spotRate: number;
  readonly policy: string;
  readonly explain?: string;
  readonly csv?: string;
  readonly out?: string;
}

export function addLedgerCommand(parent: Command): void {
  parent
    .command('ledger')
    .description('who contributed what to a run, computed from its log alone and the same on every machine')
    .argument('<place>', 'archive (`starlings log export`), or directory of a node that is not running')
    .option('--run <id>', 'run id, or its beginning, where the node has several')
    .option(
      '--evaluation <path>',
      'data whose held-out part is measured on (default: what came with the program)',
      configFile,
    )
    .option('--examples <count>', 'of them drawn for each round', wholeNumber(1, 1_000_000), 256)
    .option('--memory <part>', 'of the credit of a round left in the next', numberBetween(0, 1), 1)
    .option('--spot-rate <share>', 'of rounds computed by Shapley too', numberBetween(0, 1), 0.02)
    .option('--policy <policy>', 'from points to shares: ID or ID:NAME=VALUE', policyText, 'proportional')
    .option('--explain <peer>', 'every number of this peer, by the beginning of its key or its name')
    .option('--csv <file>', 'write a row for each peer')
    .option('--out <file>', 'write all of it, every delta of every round, as JSON')
    .action((place: string, options: Options, command: Command) =>
      perform(command, async ({ say, screen, signal }) => {
        for (const file of [options.csv, options.out]) checkReplaceable(file);
        const { ledgerOf } = await import('../daemon/run-ledger.ts');
        const { ledgerDefaults } = await import('../ledger/ledger.ts');
        const { accountsOf, accountsCsv } = await import('../ledger/accounts.ts');
        const { parseRewardPolicy, rewardPoliciesText } = await import('../ledger/reward-policies.ts');
        const { ConfigError } = await import('../config/config-error.ts');
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        const { columnsOf } = await import('./view/text-fit.ts');
        const { ledgerLines, explainLines } = await import('./view/ledger-lines.ts');
        const policy = parseRewardPolicy(options.policy);
        if (policy === null)
          throw new ConfigError('BAD_USAGE', `--policy ${options.policy}: there are ${rewardPoliciesText}`);
        const asked: RunLedgerOptions = {
          ...{ run: options.run ?? '', evaluation: options.evaluation ?? null, signal },
          examplesPerRound: options.examples,
          settings: { ...ledgerDefaults, spotRate: options.spotRate },
        };
        const found = await ledgerOf(place, asked);
        const accounts = accountsOf(found.ledger, { memory: options.memory, policy });
        const whole = { ...found.ledger, accounts, summary: found.summary, names: found.names };
        if (options.csv !== undefined)
          await writeFileAtomically(options.csv, [Buffer.from(accountsCsv(accounts, found.names))]);
        if (options.out !== undefined)
          await writeFileAtomically(options.out, [Buffer.from(`${JSON.stringify(whole, null, 2)}\n`)]);
        const lines =
          options.explain === undefined
            ? ledgerLines(found, accounts, columnsOf(screen))
            : explainLines(found, accounts, options.explain);
        for (const line of lines) say(line);
        const { rounds, ...rest } = whole;
        return { json: { ...rest, roundsScored: rounds.length } };
      }),
    );
}

function policyText(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('expected the id of a policy');
  return text;
}
