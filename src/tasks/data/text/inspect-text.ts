import { open, stat } from 'node:fs/promises';
import { type DataReport, orRefused, Refusals } from '../data-report.ts';
import { isTextRecord } from './json-lines.ts';
import type { TextTask } from './text.ts';
import { isJsonLines, isTextFile, readTextFiles, textFilesOf } from './text-files.ts';

/** As much of a file as shows what its first record is. */
const lookBytes = 1 << 20;

/** Whether it is a file of that name, or a folder with such files: other text is given with a run. JSON Lines may be a table as well. */
export async function isText(path: string): Promise<boolean> {
  if (!(await stat(path)).isDirectory()) return isTextFile(path) && (await beginsAsText(path));
  const files = await textFilesOf(path).catch(() => []);
  return files.length > 0 && (await beginsAsText(files[0]!));
}

async function beginsAsText(file: string): Promise<boolean> {
  if (!isJsonLines(file)) return true;
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(lookBytes), 0, lookBytes, 0);
    const first = buffer
      .toString('utf8', 0, bytesRead)
      .split('\n')
      .find((line) => line.trim() !== '');
    return first === undefined || isTextRecord(first);
  } finally {
    await handle.close();
  }
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
