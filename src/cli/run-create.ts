import type { Command } from 'commander';
import { numberBetween } from './parts/arguments.ts';
import { configFile } from './parts/config-file.ts';
import { dataHome } from './parts/data-home.ts';
import { checkMayWrite } from './parts/may-write.ts';
import { perform } from './parts/perform.ts';

interface Options {
  readonly out: string;
  readonly key: string;
  readonly startIn: number;
  readonly force?: true;
}

export function addRunCreateCommand(parent: Command): void {
  parent
    .command('create')
    .description('sign the run that a YAML file describes; its hash is the run id')
    .argument('<file>', 'YAML description of the run, for example configs/runs/mnist-mlp.yaml', configFile)
    .option('--out <file>', 'manifest to write', 'run.manifest')
    .option('--key <file>', 'key to sign with; made where there is none', dataHome('creator.key'))
    .option('--start-in <seconds>', 'round 0 begins this much later', numberBetween(0, 31_536_000), 30)
    .option('--force', 'replace the manifest where one exists')
    .action((file: string, options: Options, command: Command) =>
      perform(command, async ({ say }) => {
        const { loadRunFile } = await import('../config/run-file.ts');
        const { spec: given, vectors: paths } = await loadRunFile(file);
        const { protectionsOf, withProtection } = await import('../run/protection.ts');
        const company = { hasEvaluation: paths.evaluation !== undefined, isOneHand: false };
        const spec = withProtection(given, company);
        checkMayWrite(options.out, options.force);
        const { checkTrainable } = await import('../learning/tfjs/trainable.ts');
        const { externalFactsOf, isNoModel, modelKindOf } = await import('../tasks/models/registry.ts');
        // Of a model that its trainer alone can compute, `starlings trainer check` tells.
        const isOurs = externalFactsOf(spec.model) === null && !isNoModel(spec.model);
        if (isOurs) await checkTrainable(spec.model);
        for (const remark of modelKindOf(spec.model).remarks?.(spec.model) ?? []) say(remark);
        const { loadIdentity } = await import('../network/identity.ts');
        const { createCrypto } = await import('../platform/node/crypto.ts');
        const { besideManifest, createRun, writeManifestFile } = await import('../node/manifest-file.ts');
        const { signer } = await loadIdentity(options.key);
        const startAtMs = Math.round(Date.now() + options.startIn * 1000);
        const { trains } = await import('../methods/registry.ts');
        const { readRunFiles } = await import('../learning/evaluation-set.ts');
        const vectors = await readRunFiles(paths, spec);
        const run = createRun(spec, startAtMs, createCrypto(), signer, vectors);
        await writeManifestFile(options.out, run, vectors);
        say(`run      ${run.runId}`);
        say(`manifest ${options.out}`);
        for (const { name, bytes } of run.manifest.files ?? []) {
          say(`file     ${besideManifest(options.out, name)}, ${bytes} bytes: keep it beside the manifest`);
        }
        const isTrained = trains(spec.strategy);
        const protects = protectionsOf(spec);
        for (const sentence of protects) say(`protects ${sentence}`);
        say(`starts   ${new Date(startAtMs).toISOString()}`);
        say(`\nGive the manifest to one node; the others need the run id alone:`);
        say(
          `  starlings node --run ${options.out} ${isTrained ? '--data DIR' : '--no-data'} --bootstrap ADDRESS`,
        );
        if (spec.membership.kind === 'invite') {
          say(`Each first needs to be let in, by its key (\`starlings node id\`):`);
          say(`  starlings run invite ${options.out} --for KEY`);
        }
        return {
          json: { runId: run.runId, manifest: options.out, creator: signer.key, startAtMs, protects },
        };
      }),
    );
}
