import { constants, copyFile, link, rm } from 'node:fs/promises';
import { refuseReplacing } from './atomic-file.ts';

/** Makes `to` the same file as `from`, or a copy where the file system has no hard links or is another. Replaces a plain file that is there. @throws as `refuseReplacing` */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  refuseReplacing(to);
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
