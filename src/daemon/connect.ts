/** Talks to the node that runs in a directory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandAnswer, callNode, NodeUnreachableError } from '../api/control-client.ts';
import { readDaemonInfo } from './daemon-info.ts';
import { TOKEN_FILE } from './directory.ts';

class NoNodeError extends Error {
  override readonly name = 'NoNodeError';
  readonly code = 'NO_NODE';
}

/**
 * Has the node of `directory` perform a command of the table. @throws NoNodeError where none runs there;
 * CommandRefusedError with the node's own sentence; system errors where the token may not be read
 */
export async function commandNode(
  directory: string,
  id: string,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<CommandAnswer> {
  const http = readDaemonInfo(directory)?.http;
  if (!http) {
    throw new NoNodeError(
      `no node runs in ${directory}: name its directory with --dir, or start one with \`starlings node\``,
    );
  }
  const token = (await readFile(join(directory, TOKEN_FILE), 'utf8')).trim();
  try {
    return await callNode({ http, token, id, input, signal });
  } catch (error) {
    if (!(error instanceof NodeUnreachableError)) throw error;
    throw new NoNodeError(
      `the node of ${directory} does not answer any more: it was killed; start it again with \`starlings node\``,
      { cause: error },
    );
  }
}
