import { constants, copyFile, link, rm } from 'node:fs/promises';

/** Makes `to` the same file as `from`, or a copy where the file system has no hard links or is another. Replaces what is there. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
