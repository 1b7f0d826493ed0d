import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';

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
      perform(command, async ({ print }) => {
        const { createCrypto } = await import('../platform/node/crypto.ts');
        const { readManifestFile } = await import('../node/files/manifest-file.ts');
        const { modelSize } = await import('../run/manifest.ts');
        const { trains } = await import('../methods/registry.ts');
        const { lengthText } = await import('../node/words/round-text.ts');
        const { renderYaml } = await import('./view/render-yaml.ts');
        const { runId, manifest } = await readManifestFile(file, createCrypto(), options.id);
        const { version, creator, startAtMs, initHash, secretHash, ...spec } = manifest;
        const parameters = modelSize(manifest);
        print(`# run ${runId}`);
        print(`# signed by ${creator}, format ${version}`);
        const length = lengthText({ ...spec, trains: trains(spec.strategy) });
        print(`# starts ${new Date(startAtMs).toISOString()}: ${length}`);
        print(`# ${parameters} parameters, start vector ${initHash}`);
        if (secretHash !== undefined) {
          print(`# hidden: it is found by its secret alone, of which this is a hash: ${secretHash}`);
        }
        print(renderYaml(spec));
        return { json: { runId, parameters, ...manifest } };
      }),
    );
}
