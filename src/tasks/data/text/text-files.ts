/** Plain text as the bytes it is made of. */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { makeDirectory } from '../../../platform/node/make-directory.ts';
import { ByteText } from '../../datasets/byte-text.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import type { TaskData } from '../../datasets/dataset.ts';
import { inputsOf } from '../../models/model-layout.ts';
import type { ModelSpec } from '../../models/registry.ts';
import type { SharesRequest } from '../task-kind.ts';
import type { TextTask } from './text.ts';

/** Of all files together; more is refused before it is read. */
const textBytesMax = 2 ** 31 - 1;

/** Of each file the end is held out: what is measured was written after what was learned from. @throws DataFileError, DataShapeError */
export async function readText(
  { heldOutFraction }: TextTask,
  model: ModelSpec,
  path: string,
): Promise<TaskData<ByteText>> {
  const train: Uint8Array[] = [];
  const heldOut: Uint8Array[] = [];
  for (const text of await readTextFiles(path)) {
    const cut = Math.round(text.length * (1 - heldOutFraction));
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
export async function splitText({ source, targets }: SharesRequest): Promise<string> {
  const text = Buffer.concat(await readTextFiles(source));
  const cut = (peer: number) => Math.round((peer * text.length) / targets.length);
  for (const [peer, target] of targets.entries()) {
    makeDirectory(target);
    await writeFileAtomically(join(target, 'part.txt'), [text.subarray(cut(peer), cut(peer + 1))]);
  }
  return `text of ${text.length} bytes split into ${targets.length} parts, one after the other`;
}

/** The file at `path`, or the `.txt` files of the folder in the order of their names. @throws DataFileError */
export async function readTextFiles(path: string): Promise<Buffer[]> {
  const files = await textFilesOf(path);
  const texts: Buffer[] = [];
  let total = 0;
  for (const file of files) {
    const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
      throw new DataFileError(`${file}: expected a text file, but it cannot be opened (${error.code})`);
    });
    try {
      total += (await handle.stat()).size;
      if (total > textBytesMax) {
        throw new DataFileError(`${path}: ${total} bytes of text, more than ${textBytesMax}`);
      }
      texts.push(await handle.readFile());
    } finally {
      await handle.close();
    }
  }
  return texts;
}

/** @throws DataFileError */
export async function textFilesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(
      `${path}: expected a text file or a folder of them, but it cannot be opened (${error.code})`,
    );
  });
  if (!found.isDirectory()) {
    return [path];
  }
  const names = (await readdir(path)).filter((name) => name.toLowerCase().endsWith('.txt')).sort();
  if (names.length === 0) {
    throw new DataFileError(`${path}: expected .txt files, found none`);
  }
  return names.map((name) => join(path, name));
}
