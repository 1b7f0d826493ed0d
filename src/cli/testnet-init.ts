import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { shellWord } from '../platform/node/shell-word.ts';
import { INIT_TARGETS, type InitTarget } from '../testnet/init/plan.ts';
import { collected, wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { TESTNET_DIRECTORY } from './parts/testnet/testnet-directory.ts';
import { addTestnetOptions, type TestnetOptions, upOptionsOf } from './parts/testnet/testnet-options.ts';

interface Options extends TestnetOptions {
  readonly out: string;
  readonly for: InitTarget;
  readonly relays?: number;
  readonly hosts?: readonly string[];
  readonly namespace: string;
  readonly portBase: number;
}

/** Time to copy files and start processes; rounds in which nobody trains do not count. */
const startInDefaultSeconds = 300;

const nextStep: Readonly<Record<InitTarget, (out: string) => string>> = {
  processes: (out) => `starlings testnet up --dir ${shellWord(out)}`,
  compose: (out) => `docker compose -f ${shellWord(`${out}/compose.yaml`)} up -d`,
  systemd: (out) => `the first line of each ${out}/starlings-*.service says what goes where`,
  kubernetes: (out) =>
    `kubectl apply -f ${shellWord(`${out}/keys.yaml`)} -f ${shellWord(`${out}/starlings.yaml`)}`,
};

export function addTestnetInitCommand(parent: Command): void {
  addTestnetOptions(
    parent
      .command('init')
      .description(
        'write the keys, the signed run and the files of a testnet, to be started later or elsewhere',
      ),
    { slotMs: "the run's own", startIn: `${startInDefaultSeconds}` },
  )
    .option('--out <dir>', 'gets a directory for each member', TESTNET_DIRECTORY)
    .addOption(new Option('--for <what>', 'what will run them').choices(INIT_TARGETS).default('processes'))
    .option(
      '--relays <count>',
      'of the bootstraps, for nodes that nobody can dial (default: all)',
      wholeNumber(0, 16),
    )
    .option(
      '--hosts <name...>',
      'of systemd: names or addresses of the machines, which take members in turn',
      collected,
    )
    .option('--namespace <name>', 'of Kubernetes', 'starlings')
    .option('--port-base <port>', 'first port where several share a machine', wholeNumber(1, 60_000), 4001)
    .action((file: string | undefined, options: Options, command: Command) =>
      perform(command, async ({ say }) => {
        checkTarget(options);
        const { nodes, bootstraps, slotMs, ...up } = await upOptionsOf(file, options, options.out, say);
        const { initTestnet } = await import('../testnet/init/init-testnet.ts');
        const { namespace, portBase, hosts = [], relays = bootstraps } = options;
        const written = await initTestnet({
          ...{ ...up, slotMs, startDelayMs: 1000 * (options.startIn ?? startInDefaultSeconds) },
          placement: { target: options.for, nodes, bootstraps, relays, hosts, namespace, portBase },
        });
        const { runId, startAtMs, files } = written;
        for (const address of written.bootstraps) say(`address  ${address}`);
        for (const name of files) say(`file     ${resolve(options.out, name)}`);
        say(`starts   ${new Date(startAtMs).toISOString()}`);
        say(`\nnext: ${nextStep[options.for](options.out)}`);
        return {
          json: { directory: resolve(options.out), runId, startAtMs, bootstraps: written.bootstraps, files },
        };
      }),
    );
}

/** @throws ConfigError */
function checkTarget(options: Options): void {
  const { relays, bootstraps, hosts, namespace, split } = options;
  if (relays !== undefined && options.for === 'processes') {
    throw new ConfigError(
      'BAD_USAGE',
      '--relays does nothing for processes, which all dial each other on the loopback interface; leave it out',
    );
  }
  if (relays !== undefined && relays > bootstraps) {
    throw new ConfigError('BAD_USAGE', `--relays ${relays}: bootstraps relay, and there are ${bootstraps}`);
  }
  if (relays !== undefined && relays > 0 && relays < bootstraps && options.for === 'kubernetes') {
    throw new ConfigError(
      'BAD_USAGE',
      `--relays ${relays}: the pods of a StatefulSet are alike, so all of ${bootstraps} bootstraps relay or none`,
    );
  }
  if (options.for === 'kubernetes' && split !== undefined) {
    throw new ConfigError(
      'BAD_USAGE',
      '--split would do nothing: pods take MNIST from their image, or their share from where --data is mounted; leave it out',
    );
  }
  if ((options.for === 'systemd') !== (hosts !== undefined)) {
    throw new ConfigError(
      'BAD_USAGE',
      hosts === undefined
        ? '--for systemd needs --hosts: the names or addresses of the machines'
        : '--hosts is of --for systemd and would do nothing here; leave it out',
    );
  }
  for (const host of hosts ?? []) {
    if (!/^[a-z0-9.:-]{1,253}$/i.test(host))
      throw new ConfigError('BAD_USAGE', `--hosts ${host} is no name of a machine`);
  }
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace)) {
    throw new ConfigError(
      'BAD_USAGE',
      `--namespace ${namespace}: lower case letters, digits and dashes, at most 63`,
    );
  }
}
