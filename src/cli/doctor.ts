import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import type { Finding, FindingLevel } from '../daemon/doctor/finding.ts';
import type { Subject } from '../daemon/doctor/gather-facts.ts';
import { collected, numberBetween } from './parts/command/arguments.ts';
import { prose } from './parts/command/help-texts.ts';
import { perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { dataHome } from './parts/data-home.ts';
import type { NodeFlags } from './parts/node/node-settings.ts';
import { remoteNode } from './parts/node/node-target.ts';

interface Options {
  readonly dir?: string;
  readonly api?: string;
  readonly tokenFile?: string;
  readonly certificate?: string;
  readonly config?: string;
  readonly run?: string;
  readonly bootstrap?: readonly string[];
  readonly networkKey?: string;
  readonly patience: number;
}

const markOf: Readonly<Record<FindingLevel, string>> = { fine: 'ok', watch: '?', wrong: '!' };

export function addDoctorCommand(parent: Command): void {
  parent
    .command('doctor')
    .description('what is wrong with a node, running or about to be, and what to do about it')
    .option('--dir <dir>', `directory of the node or bootstrap (default: ${dataHome('node')})`)
    .option(
      '--api <url>',
      'in place of a directory, the API of a running node: https://HOST:PORT, unix:/path or http://127.0.0.1:PORT',
    )
    .option('--token-file <file>', 'with --api from another machine: file of mode 0600 that holds its token')
    .option(
      '--certificate <file>',
      'with --api: the certificate that it has, where this machine does not trust it',
    )
    .option('--config <file>', 'file of a node that is to be started', configFile)
    .option('--run <manifest|id>', 'who has this run?')
    .option('--bootstrap <address...>', 'try these, as a node with them would', collected)
    .option('--network-key <file>', 'key of the private network in which to try them')
    .option('--patience <seconds>', 'for each step over the network', numberBetween(0.1, 120), 5)
    .addHelpText(
      'after',
      prose(
        'Exit code 1 where something is wrong, marked with `!`; `?` is what may be meant so. Dials the node, its bootstraps and the peers of its runs from this machine, under a key of its own.',
      ),
    )
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { gatherFacts } = await import('../daemon/doctor/gather-facts.ts');
        const { findingsOf } = await import('../daemon/doctor/findings.ts');
        const findings = findingsOf(await gatherFacts(await subjectOf(options), signal));
        for (const finding of findings) for (const line of linesOf(finding)) say(line);
        const wrong = findings.filter(({ level }) => level === 'wrong').length;
        say(wrong === 0 ? '\nnothing is wrong' : `\nwrong: ${wrong}`);
        return { json: { wrong, findings }, ok: wrong === 0 };
      }),
    );
}

/** @throws ConfigError */
async function subjectOf(options: Options): Promise<Subject> {
  const { dir, api, config, run, bootstrap, networkKey, patience } = options;
  const { nodeSettings } = await import('./parts/node/node-settings.ts');
  const flags: NodeFlags = {
    ...(config === undefined ? {} : { config }),
    ...(bootstrap === undefined ? {} : { bootstrap }),
    ...(networkKey === undefined ? {} : { networkKey }),
  };
  const { directory, key, runs, ...settings } = await nodeSettings(flags);
  const { nodesIn } = await import('../daemon/directory.ts');
  const inside = dir === undefined ? null : nodesIn(dir);
  if (inside !== null) throw new ConfigError('BAD_USAGE', `${dir} is no directory of a node; ${inside}`);
  return {
    directory: dir ?? directory ?? (api === undefined ? dataHome('node') : null),
    api: await apiOf(options),
    settings: { ...settings, keyFile: key ?? null, runs: run === undefined ? runs : [{ run, data: null }] },
    timeoutMs: 1000 * patience,
  };
}

/** @throws ConfigError, TokenFileError, system errors */
async function apiOf({ api, tokenFile, certificate }: Options): Promise<Subject['api']> {
  if (api === undefined) {
    if (tokenFile === undefined && certificate === undefined) return null;
    throw new ConfigError('BAD_USAGE', '--token-file and --certificate go with --api');
  }
  const { remoteDoor } = await import('../daemon/connect.ts');
  return remoteDoor(remoteNode(api, tokenFile, certificate));
}

function linesOf(finding: Finding): string[] {
  const line = `${markOf[finding.level].padEnd(3)}${finding.id.padEnd(11)}${finding.text}`;
  return finding.level === 'fine' ? [line] : [line, `${' '.repeat(14)}${finding.todo}`];
}
