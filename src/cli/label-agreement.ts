import type { Command } from 'commander';
import { wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { fetching, type ProjectOptions, sourceOf } from './parts/label/label-inputs.ts';
import type { NodesProject } from './parts/label/label-project.ts';

interface Options extends ProjectOptions {
  readonly disagreements: number;
  readonly gold?: string;
}

export function addLabelAgreementCommand(parent: Command): void {
  fetching(parent.command('agreement'))
    .description(
      'how far annotators agree, on which records they do not, and what those are by what each annotator errs on',
    )
    .option('--disagreements <count>', 'that are listed', wholeNumber(0, 10_000), 20)
    .option('--gold <file>', 'right answers that are not told yet: what `label import --gold-out` wrote')
    .action((options: Options, command: Command) =>
      perform(command, async (context) => {
        const source = await sourceOf(options, context);
        const told = await source.project(context.signal);
        const project = options.gold === undefined ? told : await withHidden(told, options.gold);
        const records = await source.records(project, context.signal);
        const { labelsOf } = await import('../entries/labels/consensus.ts');
        const { agreementOf } = await import('../entries/labels/agreement.ts');
        const { agreementLines } = await import('./view/label-lines.ts');
        const report = agreementOf(project);
        const texts = new Map(records.map(({ hash, text }) => [hash, text]));
        const spokenOf = new Set(labelsOf(project).map(({ record }) => record));
        const unanswered = records.filter(({ hash }) => !spokenOf.has(hash)).length;
        const shown = { question: project.question, texts, unanswered, shownMax: options.disagreements };
        for (const line of agreementLines(report, shown)) context.say(line);
        return { json: { ...report, unanswered } };
      }),
    );
}

/** As if they were told now. */
async function withHidden(project: NodesProject, file: string): Promise<NodesProject> {
  const { hiddenLists, readGold } = await import('./parts/label/gold-file.ts');
  const { createCrypto } = await import('../platform/node/crypto.ts');
  const { peerKey: author, gold, runId } = project;
  const lists = await readGold(file, runId);
  const hidden = hiddenLists(lists, project, createCrypto()).flatMap(({ list, committed }) =>
    list.answers.map((one) => ({ ...one, author, committed })),
  );
  return { ...project, gold: [...gold, ...hidden] };
}
