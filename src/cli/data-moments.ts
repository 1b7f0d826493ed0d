/** `starlings data moments`: means and scales for a run's author, of several sites, without a row of any. */
import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import type { PartReport } from '../tasks/data/data-report.ts';
import type { TableProfile } from '../tasks/data/table/table-profile.ts';
import type { TableTask } from '../tasks/data/table/table-schema.ts';
import { perform } from './parts/command/perform.ts';
import { refuseIdle } from './parts/command/unused-options.ts';
import { checkMayWrite } from './parts/may-write.ts';
import { addLabelOptions } from './parts/new-run/label-options.ts';

interface Options {
  readonly header?: readonly string[];
  readonly label?: string;
  readonly positiveAbove?: number;
  readonly out?: string;
  readonly force?: true;
}

export function addMoments(data: Command): void {
  const command = data
    .command('moments')
    .description(
      'counts, means and spreads of the columns of tables, to be given away in place of rows, and the task of all of them',
    )
    .argument('<path...>', 'tables (CSV), or moments (.json) that others wrote with --out')
    .option('--out <file>', 'write the moments of all together there (.json)')
    .option('--force', 'replace what exists there');
  addLabelOptions(command, '').action((paths: readonly string[], options: Options, self: Command) =>
    perform(self, async ({ say }) => {
      if (options.out === undefined) refuseIdle(self, ['force'], 'without --out no file is written');
      else checkMayWrite(options.out, options.force);
      const { refuseUnreadable } = await import('../tasks/data/refuse-unreadable.ts');
      for (const path of paths) await refuseUnreadable(path);
      const { onlyTableOf } = await import('../tasks/data/table/csv-file.ts');
      const { readMoments, rowsToldMin, toldOf, writeMoments } = await import(
        '../tasks/data/table/moments-file.ts'
      );
      const { mergeProfiles, profileTable } = await import('../tasks/data/table/table-profile.ts');
      const { taskOfProfile } = await import('../tasks/data/table/guess-table.ts');
      const { suggestedModel } = await import('./parts/new-run/suggested-model.ts');
      const { renderTask } = await import('./view/render-task.ts');
      const profiles = await Promise.all(
        paths.map(async (path) =>
          path.toLowerCase().endsWith('.json')
            ? readMoments(path)
            : profileTable(await onlyTableOf(path), options.header ?? null),
        ),
      );
      const all = mergeProfiles(profiles);
      if (all.columns.length === 0) throw nothingShared(paths);
      if (options.out !== undefined) {
        const { writeFileAtomically } = await import('../platform/node/atomic-file.ts');
        await writeFileAtomically(options.out, [writeMoments(all)]);
        const { columns } = toldOf(all);
        const less = columns.filter(({ numbers }, at) => numbers < all.columns[at]!.numbers);
        say(
          `moments of ${columns.length} columns, ${all.rows} rows, written to ${options.out}: no rows, and no value that fewer than ${rowsToldMin} have`,
        );
        if (less.length > 0) {
          const names = less.map(({ column, numbers }) => `${column} (of ${numbers} rows)`).join(', ');
          say(`without rows of such values, in mean and spread as well: ${names}`);
        }
      }
      const task = taskOfProfile(all, options, paths.join(' and '));
      const suggested = suggestedModel(task, {
        files: [],
        parts: classesTold(all, task),
        columns: null,
        refused: [],
      });
      if ('why' in suggested) {
        say(`no run starts with them: ${suggested.why}`);
        return { json: { rows: all.rows, task, why: suggested.why }, ok: false };
      }
      say(renderTask(task, suggested.model));
      return { json: { rows: all.rows, task, model: suggested.model } };
    }),
  );
}

/** Where classes go by their numbers: as many as the largest says. */
function classesTold({ rows, columns }: TableProfile, { label }: TableTask): PartReport[] {
  if (label.kind === 'labels' || label.kind === 'number' || label.positiveAbove !== undefined) return [];
  const values = columns.find(({ column }) => column === label.column)?.values ?? new Map<string, number>();
  const isClassNumber = ([value]: readonly [string, number]): boolean => /^\d{1,3}$/.test(value);
  const numbered = [...values].filter(isClassNumber).map(([value, count]) => [Number(value), count] as const);
  const length = 1 + Math.max(-1, ...numbered.map(([value]) => value));
  const counts = new Map(numbered);
  const classes = Array.from({ length }, (_, value) => counts.get(value) ?? 0);
  return [{ name: 'train', rows, classes }];
}

function nothingShared(paths: readonly string[]): ConfigError {
  return new ConfigError(
    'BAD_USAGE',
    `${paths.join(' and ')} have no column in common, and moments of several tables are of the columns that all have, by their names: rename them, or give the names with --header where the files have none`,
  );
}
