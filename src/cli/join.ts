/** From nothing to a node that takes part in a run. */
import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { backendOption } from './parts/backend-option.ts';
import { collected, trainerLine, wholeNumber } from './parts/command/arguments.ts';
import { givenFlags } from './parts/command/given-flags.ts';
import { prose } from './parts/command/help-texts.ts';
import { type CommandContext, perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { dataHome } from './parts/data-home.ts';
import { addConnectivityOptions } from './parts/node/connectivity-options.ts';
import type { NodeFlags } from './parts/node/node-settings.ts';
import { runNode } from './parts/node/run-node.ts';

export function addJoinCommand(parent: Command): void {
  addConnectivityOptions(parent.command('join'), false)
    .description(
      'take part in a run that you were invited to: makes a key and starts a node, until it is stopped',
    )
    .argument('<invitation>', 'what `starlings invite` printed, or the page of a node shows')
    .option(
      '--data <path>',
      'your examples, as the task reads them (`starlings data --help`); they never leave this machine',
      configFile,
    )
    .option('--no-data', 'in place of --data: the run keeps a log and trains nothing')
    .option('--dir <dir>', 'key, store, log and models of this node', dataHome('node'))
    .option('--listen <address...>', 'multiaddr to listen on (default: /ip4/0.0.0.0/tcp/0)', collected)
    .option('--announce <address...>', 'multiaddr to tell others in place of those it listens on', collected)
    .option('--http <port>', 'API on 127.0.0.1; 0 for any free port', wholeNumber(0, 65535), 0)
    .addOption(backendOption())
    .option('--trainer <command>', 'what trains in place of TensorFlow.js: docs/TRAINERS.md', trainerLine)
    .option('--exit-when-finished', 'end with the run, by the exit code of what came of it')
    .addHelpText(
      'after',
      prose(
        'The same command starts it again, where it was. A node that runs already: `starlings node join --run INVITATION`.',
      ),
    )
    .action((invitation: string, _options: unknown, command: Command) =>
      perform(command, async (context) =>
        runNode(await flagsOf(invitation, givenFlags(command), context), context),
      ),
    );
}

/** Of a node that does as it is invited to. @throws InvitationError, ConfigError, IdentityError; nothing is made then */
async function flagsOf(text: string, flags: NodeFlags, { say }: CommandContext): Promise<NodeFlags> {
  const { admissionSentence, readInvitation } = await import('../node/invitation.ts');
  const invitation = readInvitation(text);
  const { runId: run, checkpoint, credential, signer, secret } = invitation;
  (await import('../daemon/run-reference.ts')).checkRunReference(run);
  const { checkedAddresses } = await import('./parts/node/addresses.ts');
  const bootstrap = checkedAddresses('bootstrap', invitation.addresses);
  if (flags.data === undefined) {
    throw new ConfigError(
      'BAD_USAGE',
      'to take part, give --data PATH: examples of your own to learn from (`starlings data --help` says in what form); --no-data for a log, as of labels, a registry or an arena, which trains nothing',
    );
  }
  const { dir = dataHome('node') } = flags;
  const { keyFileOf, networkKeyOf } = await import('../daemon/directory.ts');
  const { keepNetworkKey, loadIdentity } = await import('../network/identity.ts');
  let { networkKey } = flags;
  if (networkKey === undefined && invitation.networkKey !== null) {
    networkKey = networkKeyOf(dir);
    await keepNetworkKey(networkKey, invitation.networkKey);
  }
  if (secret !== null) {
    await (await import('../daemon/run-secret.ts')).keepRunSecret(dir, run, secret);
  }
  if (signer !== null) say(admissionSentence(signer, (await loadIdentity(keyFileOf(dir))).key));
  return {
    ...flags,
    ...{ run, bootstrap },
    ...(checkpoint === null ? {} : { checkpoint }),
    ...(credential === null ? {} : { credential }),
    ...(networkKey === undefined ? {} : { networkKey }),
  };
}
