import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { perform } from './parts/command/perform.ts';
import { askedInTime, startedNode, withTarget } from './parts/node/node-target.ts';

interface Options extends Readonly<Record<string, unknown>> {
  readonly run?: string;
  readonly model: string;
  readonly file: string;
  readonly archive?: string;
}

export function addModelVerifyCommand(parent: Command): void {
  withTarget(parent.command('verify'))
    .description(
      'hold a model file against what was published of it, and against the log of the run that trained it',
    )
    .option('--run <run>', 'the registry: run id, its beginning, or the name of the run')
    .requiredOption('--model <model>', 'name of a published model, or name@version')
    .requiredOption('--file <file>', 'what was pulled')
    .option(
      '--archive <file>',
      'log of the run that it comes from (`starlings log export`): it is folded again',
    )
    .action((options: Options, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const target = await startedNode((name) => options[name], signal);
        const { run, model, file, archive } = options;
        const { commandNode } = await import('../daemon/connect.ts');
        const input = { model, ...(run === undefined ? {} : { run }) };
        const { publication: told, retired } = await askedInTime(signal, () =>
          commandNode(target, 'model', input, signal),
        );
        const { publicationSchema } = await import('../entries/models/publication.ts');
        const publication = publicationSchema.parse(told);
        if (archive !== undefined && publication.lineage.run === undefined) {
          throw new ConfigError('BAD_USAGE', `${model} names no run that it comes from: leave --archive out`);
        }
        const { verifyModel } = await import('./parts/model/verified-model.ts');
        const checks = await verifyModel(publication, file, archive ?? null);
        for (const { what, isRight, text } of checks)
          say(`${isRight ? 'ok     ' : 'differs'}  ${what}: ${text}`);
        if (typeof retired === 'string') say(`retired  its author took it back: ${retired}`);
        return { json: { publication, retired, checks }, ok: checks.every(({ isRight }) => isRight) };
      }),
    );
}
