/** What members of an alliance read of it: from files, while no node runs on them. */
import type { Command } from 'commander';
import { perform } from './parts/command/perform.ts';
import { configFile } from './parts/config-file.ts';
import { checkReplaceable } from './parts/may-write.ts';

interface Options {
  readonly run?: string;
  readonly data?: string;
  readonly html?: string;
}

export function addAllianceCommands(parent: Command): void {
  parent
    .command('report')
    .description(
      'whose delta weighed what and why, which rounds were rolled back, what the model does at each site',
    )
    .argument('<place>', 'directory of a testnet, or of a node that is not running, or an archive')
    .option('--run <id>', 'run id, or its beginning, where there are several')
    .option(
      '--data <path>',
      "the node's own examples, to measure its model on (of a testnet: known)",
      configFile,
    )
    .option('--html <file>', 'write it as a page too, which opens without a network')
    .action((place: string, { run = '', data, html }: Options, command: Command) =>
      perform(command, async ({ say, print, screen, signal }) => {
        checkReplaceable(html);
        const { allianceHome } = await import('./parts/alliance-home.ts');
        const { allianceOf } = await import('../daemon/run-alliance.ts');
        const { resultsAt } = await import('./parts/site-results.ts');
        const { allianceFacts, allianceSections } = await import('./view/alliance-sections.ts');
        const { columnsOf } = await import('./view/text-fit.ts');
        const { textTable } = await import('./view/text-table.ts');
        const home = await allianceHome(place, run, data ?? null);
        const alliance = await allianceOf(home.log, run, signal);
        const found =
          home.sites.length > 0 ? await resultsAt(home.sites, alliance.manifest.task, signal) : null;
        const results = found?.kind === 'scores' ? found.results : null;
        const sections = allianceSections(alliance, results, home.names);
        for (const { title, lines, table } of sections) {
          say(title);
          for (const line of lines) say(line);
          if (table) print(textTable(table.head, table.rows, { columns: columnsOf(screen) }));
          say('');
        }
        if (html !== undefined) {
          const { alliancePage } = await import('./view/alliance-page.ts');
          const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
          await writeFileAtomically(html, [Buffer.from(alliancePage(alliance.summary.name, sections))]);
          say(`page      ${html}`);
        }
        return { json: allianceFacts(alliance, results, home.names) };
      }),
    );
}
