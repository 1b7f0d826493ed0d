/** The first invitations to a run that takes who was invited: by the key that signed it, which no node has. */
import type { Command } from 'commander';
import { shellWord } from '../platform/node/shell-word.ts';
import { peerKey } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { dataHome } from './parts/data-home.ts';

interface Options {
  readonly for: string;
  readonly key: string;
}

export function addRunInviteCommand(parent: Command): void {
  parent
    .command('invite')
    .description(
      'let the key of a node into a run that takes who was invited, by the key that signed the run',
    )
    .argument('<manifest>', 'file written by `starlings run create`; whom it invited is noted beside it')
    .requiredOption('--for <key>', 'of the node, as `starlings node id` prints it', peerKey)
    .option('--key <file>', 'the key that signed the run', dataHome('creator.key'))
    .action((file: string, options: Options, command: Command) =>
      perform(command, async ({ say, print }) => {
        const { readFile } = await import('node:fs/promises');
        const { createCrypto } = await import('../platform/node/crypto.ts');
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        const { creatorsCredential } = await import('../core/credentials.ts');
        const { readManifestFile } = await import('../node/files/manifest-file.ts');
        const { invitationFor } = await import('../node/credential.ts');
        const { loadIdentity } = await import('../network/identity.ts');
        const { ConfigError } = await import('../config/config-error.ts');
        const run = await readManifestFile(file, createCrypto());
        const { signer } = await loadIdentity(options.key);
        if (signer.key !== run.manifest.creator) {
          const sentence = `${options.key} is not the key that signed ${file}: name that one with --key`;
          throw new ConfigError('BAD_USAGE', sentence);
        }
        const notes = `${file}.invited`;
        const noted = await readFile(notes, 'utf8').catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return '';
          throw error;
        });
        const { credential, invited } = invitationFor({
          ...{ run, own: creatorsCredential(), inviter: signer, key: options.for },
          before: noted.split('\n').filter(Boolean),
        });
        await writeFileAtomically(notes, [`${invited.join('\n')}\n`]);
        const text = Buffer.from(credential).toString('hex');
        print(text);
        say(
          `its node takes part with: starlings node --run ${shellWord(file)} --credential ${text.slice(0, 8)}... --data DIR`,
        );
        say('and invites others with: starlings invite --for KEY');
        return { json: { runId: run.runId, key: options.for, credential: text } };
      }),
    );
}
