import type { Command } from 'commander';
import { shellWord } from '../platform/node/shell-word.ts';
import type { ModelSpec } from '../tasks/models/registry.ts';
import { numberBetween } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { dataHome } from './parts/data-home.ts';
import { checkMayWrite } from './parts/may-write.ts';

interface Options {
  readonly out: string;
  readonly key: string;
  readonly startIn: number;
  readonly hidden?: true;
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
    .option(
      '--hidden',
      'strangers cannot find the run, nor see who takes part: it goes by a secret, a file beside the manifest that invitations carry',
    )
    .option('--force', 'replace the manifest where one exists')
    .action((file: string, options: Options, command: Command) =>
      perform(command, async ({ say }) => {
        const { loadRunFile } = await import('../config/run-file.ts');
        const { spec: given, vectors: paths } = await loadRunFile(file);
        const { protectionsOf, withProtection } = await import('../run/protection.ts');
        const company = { hasEvaluation: paths.evaluation !== undefined, isOneHand: false };
        const spec = withProtection(given, company);
        const { secretBeside } = await import('../daemon/run-secret.ts');
        const secretFile = secretBeside(options.out);
        checkMayWrite(options.out, options.force);
        if (options.hidden) checkMayWrite(secretFile, options.force);
        for (const remark of await remarksOn(spec.model)) say(remark);
        const { loadIdentity } = await import('../network/identity.ts');
        const { createCrypto } = await import('../platform/node/crypto.ts');
        const { besideManifest, createRun, writeManifestFile } = await import(
          '../node/files/manifest-file.ts'
        );
        const { signer } = await loadIdentity(options.key);
        const startAtMs = Math.round(Date.now() + options.startIn * 1000);
        const { trains } = await import('../methods/registry.ts');
        const { readRunFiles } = await import('../learning/evaluation-set.ts');
        const vectors = await readRunFiles(paths, spec);
        const { randomBytes } = await import('node:crypto');
        const secret = options.hidden ? randomBytes(32) : null;
        const run = createRun(spec, startAtMs, createCrypto(), signer, vectors, secret);
        if (secret) await writeSecret(secretFile, secret, options.force);
        await writeManifestFile(options.out, run, vectors);
        say(`run      ${run.runId}`);
        say(`manifest ${options.out}`);
        for (const { name, bytes } of run.manifest.files ?? []) {
          say(`file     ${besideManifest(options.out, name)}, ${bytes} bytes: keep it beside the manifest`);
        }
        if (secret) {
          say(
            `secret   ${secretFile}: the run is hidden, and who has this finds it; keep it beside the manifest`,
          );
        }
        const protects = protectionsOf(spec);
        for (const sentence of protects) say(`protects ${sentence}`);
        say(`starts   ${new Date(startAtMs).toISOString()}`);
        const { membership, strategy } = spec;
        const about = {
          runId: run.runId,
          isTrained: trains(strategy),
          isHidden: secret !== null,
          isInvited: membership.kind === 'invite',
        };
        for (const line of nextSteps(options, about, command)) say(line);
        return {
          json: {
            ...{ runId: run.runId, manifest: options.out, creator: signer.key, startAtMs, protects },
            ...(secret ? { secretFile } : {}),
          },
        };
      }),
    );
}

/** @throws for a model that cannot be trained */
async function remarksOn(model: ModelSpec): Promise<readonly string[]> {
  const { checkTrainable } = await import('../learning/tfjs/trainable.ts');
  const { externalFactsOf, isNoModel, modelKindOf } = await import('../tasks/models/registry.ts');
  // Of a model that its trainer alone can compute, `starlings trainer check` tells.
  if (externalFactsOf(model) === null && !isNoModel(model)) await checkTrainable(model);
  return modelKindOf(model).remarks?.(model) ?? [];
}

function* nextSteps(
  { out, key }: Options,
  about: {
    readonly runId: string;
    readonly isTrained: boolean;
    readonly isHidden: boolean;
    readonly isInvited: boolean;
  },
  command: Command,
): Generator<string> {
  const data = about.isTrained ? '--data DIR' : '--no-data';
  yield '\nGive the manifest to one node:';
  yield `  starlings node --run ${shellWord(out)} ${data}`;
  if (about.isHidden) yield 'It invites the others (`starlings invite`), for the run id alone leads nowhere.';
  else {
    yield 'The others need the run id alone, and an address that it or a `starlings bootstrap` printed:';
    yield `  starlings node --run ${about.runId} ${data} --bootstrap ADDRESS`;
  }
  if (!about.isInvited) return;
  yield 'Each first needs to be let in, by its key (`starlings node id`):';
  const signedWith = command.getOptionValueSource('key') === 'cli' ? ` --key ${shellWord(key)}` : '';
  yield `  starlings run invite ${shellWord(out)} --for KEY${signedWith}`;
}

async function writeSecret(file: string, secret: Uint8Array, replaces = false): Promise<void> {
  const { bytesToHex } = await import('../core/bytes.ts');
  const { keepSecret } = await import('../network/identity.ts');
  const { rm } = await import('node:fs/promises');
  if (replaces) await rm(file, { force: true });
  await keepSecret(file, bytesToHex(secret));
}
