import type { Command } from 'commander';
import { amount } from '../node/words/amount.ts';
import { wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import {
  fetching,
  type OwnFiles,
  type ProjectOptions,
  recordsIn,
  sourceOf,
  withOwnFiles,
} from './parts/label/label-inputs.ts';
import type { LabelSource } from './parts/label/label-project.ts';
import type { Suggestions } from './parts/label/suggestions.ts';

interface Options extends ProjectOptions, OwnFiles {
  readonly port: number;
  readonly open?: true;
  readonly suggest?: string;
}

export function addLabelServeCommand(parent: Command): void {
  withOwnFiles(fetching(parent.command('serve')))
    .description('a page on 127.0.0.1 to label records with the keyboard, until it is stopped')
    .option('--port <port>', '0 for any free port', wholeNumber(0, 65_535), 0)
    .option(
      '--suggest <path>',
      'a model trained on labels that were exported as a table (a file, or the directory of a node): it suggests answers, least certain first, and hides one in ten',
    )
    .option('--open', 'open the page in a browser')
    .action((options: Options, command: Command) =>
      perform(command, async (context) => {
        const { say, signal } = context;
        const source = await sourceOf(options, context);
        const { records: own } = await recordsIn(options.file ?? [], options, context);
        const { AnnotatorDesk } = await import('./parts/label/annotator-desk.ts');
        const suggestions = await suggestionsOf(source, options.suggest, signal);
        const desk = await AnnotatorDesk.open({ source, own, suggestions, signal });
        const { startLabelServer } = await import('../api/label-server.ts');
        const { randomBytes } = await import('node:crypto');
        const token = randomBytes(32).toString('hex');
        const server = await startLabelServer({
          ...{ port: options.port, token, desk },
          onError: (error) => say(`trouble   ${error instanceof Error ? error.message : String(error)}`),
        });
        const link = `${server.url}/#code=${token}`;
        say(`serving   ${link}`);
        if (options.open) {
          const { openInBrowser } = await import('../platform/node/open-in-browser.ts');
          if (!(await openInBrowser(link))) say('no browser could be opened here; the address opens in any');
        }
        await desk.follow();
        await server.close();
        if (desk.waiting > 0)
          say(`trouble   not in the log: ${amount(desk.waiting, 'answer')}; give them again`);
        return { json: { url: server.url, stopped: true, lost: desk.waiting }, ok: desk.waiting === 0 };
      }),
    );
}

/** Null where none are asked for. @throws ConfigError, ModelFileError */
async function suggestionsOf(
  source: LabelSource,
  place: string | undefined,
  signal: AbortSignal,
): Promise<Suggestions | null> {
  if (place === undefined) return null;
  const { Suggester } = await import('./parts/label/suggester.ts');
  const { Suggestions: Offered } = await import('./parts/label/suggestions.ts');
  const { createCrypto } = await import('../platform/node/crypto.ts');
  const { question } = await source.project(signal);
  return new Offered(await Suggester.open(place, question), createCrypto());
}
