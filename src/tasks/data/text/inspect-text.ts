import { stat } from 'node:fs/promises';
import { type DataReport, orRefused, Refusals } from '../data-report.ts';
import type { TextTask } from './text.ts';
import { isTextFile, readTextFiles, textFilesOf } from './text-files.ts';

/** Whether it is a file of that name, or a folder with such files: other text is given with a run. */
export async function isText(path: string): Promise<boolean> {
  if (!(await stat(path)).isDirectory()) return isTextFile(path);
  return textFilesOf(path).then(
    () => true,
    () => false,
  );
}

export async function inspectText(task: TextTask, path: string): Promise<DataReport> {
  const refused = new Refusals();
  const files = (await orRefused(() => textFilesOf(path), refused)) ?? [];
  const texts =
    (await orRefused(
      () => readTextFiles(task, path, (sentence) => refused.add('line', sentence)),
      refused,
    )) ?? [];
  const learned = texts.reduce((sum, text) => sum + Math.round(text.length * (1 - task.heldOutFraction)), 0);
  const all = texts.reduce((sum, text) => sum + text.length, 0);
  if (texts.length > 0 && all === 0) refused.add('empty', `${path}: there is no text in it`);
  return {
    files,
    parts: [
      { name: 'train', rows: learned, classes: null },
      { name: 'held out', rows: all - learned, classes: null },
    ],
    columns: null,
    refused: refused.list(),
  };
}
