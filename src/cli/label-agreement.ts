import type { Command } from 'commander';
import { wholeNumber } from './parts/arguments.ts';
import { fetching, type ProjectOptions, sourceOf } from './parts/label-inputs.ts';
import { perform } from './parts/perform.ts';

interface Options extends ProjectOptions {
  readonly disagreements: number;
}

export function addLabelAgreementCommand(parent: Command): void {
  fetching(parent.command('agreement'))
    .description(
      'how far annotators agree, on which records they do not, and what those are by what each annotator errs on',
    )
    .option('--disagreements <count>', 'that are listed', wholeNumber(0, 10_000), 20)
    .action((options: Options, command: Command) =>
      perform(command, async (context) => {
        const source = await sourceOf(options, context);
        const project = await source.project(context.signal);
        const records = await source.records(project, context.signal);
        const { agreementOf } = await import('../entries/labels/agreement.ts');
        const { agreementLines } = await import('./view/label-lines.ts');
        const report = agreementOf(project);
        const texts = new Map(records.map(({ hash, text }) => [hash, text]));
        const shown = { question: project.question, texts, shownMax: options.disagreements };
        for (const line of agreementLines(report, shown)) context.say(line);
        return { json: { ...report } };
      }),
    );
}
