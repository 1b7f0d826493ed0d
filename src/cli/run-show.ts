import type { Command } from 'commander';
import { perform } from './parts/perform.ts';

interface Options {
  readonly id?: string;
}

export function addRunShowCommand(parent: Command): void {
  parent
    .command('show')
    .description('verify a run manifest and show what is in it')
    .argument('<manifest>', 'file written by `starlings run create`')
    .option('--id <run id>', 'refuse the manifest of any other run')
    .action((file: string, options: Options, command: Command) =>
      perform(command, async ({ say }) => {
        const { createCrypto } = await import('../platform/node/crypto.ts');
        const { readManifestFile } = await import('../node/manifest-file.ts');
        const { modelSize } = await import('../run/manifest.ts');
        const { stringify } = await import('yaml');
        const { runId, manifest } = await readManifestFile(file, createCrypto(), options.id);
        const { version, creator, startAtMs, initHash, ...spec } = manifest;
        const parameters = modelSize(manifest);
        say(`# run ${runId}`);
        say(`# signed by ${creator}, format ${version}`);
        say(
          `# starts ${new Date(startAtMs).toISOString()} and takes ${(spec.rounds * spec.slotMs) / 1000} s`,
        );
        say(`# ${parameters} parameters, start vector ${initHash}`);
        say(stringify(spec).trimEnd());
        return { json: { runId, parameters, ...manifest } };
      }),
    );
}
