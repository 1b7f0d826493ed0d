/** Secrets in files: the token of an API, as its owner keeps it. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
  readonly code = 'BAD_TOKEN_FILE';
}

const fileBytesMax = 4096;

/** The token in a file that nobody else can read. @throws TokenFileError with what to do; system errors where there is none */
export async function readTokenFile(file: string): Promise<string> {
  // A link may lead to a file of somebody else; and nobody waits for a pipe.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const opened = await open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ELOOP') throw error;
      throw new TokenFileError(`${file} is a link: name the file itself, which holds the token`);
    },
  );
  try {
    return await tokenIn(file, opened);
  } finally {
    await opened.close();
  }
}

async function tokenIn(file: string, opened: FileHandle): Promise<string> {
  const found = await opened.stat();
  if (!found.isFile() || found.size > fileBytesMax) {
    throw new TokenFileError(`${file} is no file that holds a token`);
  }
  if ((found.mode & 0o077) !== 0) {
    throw new TokenFileError(`${file} can be read by others, who could command the node: chmod 600 ${file}`);
  }
  const token = (await opened.readFile('utf8')).trim();
  if (/^[0-9a-f]{64}$/.test(token)) return token;
  throw new TokenFileError(`${file} holds no token of 64 hexadecimal digits: openssl rand -hex 32 makes one`);
}
