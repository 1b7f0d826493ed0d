/** Text as the bytes it is made of, plain or in JSON Lines. */
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { makeDirectory } from '../../../platform/node/make-directory.ts';
import { readPlain } from '../../../platform/node/read-plain.ts';
import { ByteText } from '../../datasets/byte-text.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import type { TaskData } from '../../datasets/dataset.ts';
import { inputsOf } from '../../models/model-layout.ts';
import type { ModelSpec } from '../../models/registry.ts';
import type { SharesRequest } from '../task-kind.ts';
import { renderJsonLines } from './json-lines.ts';
import type { TextTask } from './text.ts';

/** Of all files together; more is refused before it is read. */
const textBytesMax = 2 ** 31 - 1;

/** Of each file the end is held out: what is measured was written after what was learned from. @throws DataFileError, DataShapeError */
export async function readText(task: TextTask, model: ModelSpec, path: string): Promise<TaskData<ByteText>> {
  const train: Uint8Array[] = [];
  const heldOut: Uint8Array[] = [];
  for (const text of await readTextFiles(task, path)) {
    const cut = Math.round(text.length * (1 - task.heldOutFraction));
    train.push(text.subarray(0, cut));
    heldOut.push(text.subarray(cut));
  }
  const context = inputsOf(model);
  return {
    train: new ByteText(Buffer.concat(train), context, `${path} (to learn from)`),
    heldOut: new ByteText(Buffer.concat(heldOut), context, `${path} (held out)`),
  };
}

/** In contiguous parts. @throws DataFileError */
export async function splitText(task: TextTask, { source, targets }: SharesRequest): Promise<string> {
  const text = Buffer.concat(await readTextFiles(task, source));
  const cut = (peer: number) => Math.round((peer * text.length) / targets.length);
  for (const [peer, target] of targets.entries()) {
    makeDirectory(target);
    await writeFileAtomically(join(target, 'part.txt'), [text.subarray(cut(peer), cut(peer + 1))]);
  }
  return `text of ${text.length} bytes split into ${targets.length} parts, one after the other`;
}

const jsonLines = '.jsonl';
const extensions: readonly string[] = ['.txt', jsonLines];

/**
 * What the files of `textFilesOf` say. Lines that are no records end it, or are left out where `refuse` only takes notice.
 * @throws DataFileError
 */
export async function readTextFiles(
  { chat }: TextTask,
  path: string,
  refuse?: (sentence: string) => void,
): Promise<Buffer[]> {
  const files = await textFilesOf(path);
  const texts: Buffer[] = [];
  let left = textBytesMax;
  for (const file of files) {
    const bytes = await readPlain(file, left).catch((error: NodeJS.ErrnoException) => {
      throw new DataFileError(`${file}: expected a text file, but it cannot be opened (${error.code})`);
    });
    if (bytes === null) throw new DataFileError(`${path}: more than ${textBytesMax} bytes of text`);
    left -= bytes.length;
    const isPlain = !isJsonLines(file);
    texts.push(isPlain ? bytes : Buffer.from(renderJsonLines(bytes.toString(), file, chat, refuse)));
  }
  return texts;
}

/** The file at `path`, or those of the folder in the order of their names. @throws DataFileError */
export async function textFilesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(
      `${path}: expected a text file or a folder of them, but it cannot be opened (${error.code})`,
    );
  });
  if (!found.isDirectory()) {
    return [path];
  }
  const names = (await readdir(path)).filter((name) => isTextFile(name)).sort();
  if (names.length === 0) {
    throw new DataFileError(`${path}: expected .txt or .jsonl files, found none`);
  }
  return names.map((name) => join(path, name));
}

export function isJsonLines(file: string): boolean {
  return extname(file).toLowerCase() === jsonLines;
}

/** Whether a file of that name is text for certain. */
export function isTextFile(name: string): boolean {
  return extensions.includes(extname(name).toLowerCase());
}
