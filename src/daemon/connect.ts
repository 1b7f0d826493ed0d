/** Talks to the node that runs in a directory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CommandAnswer,
  callNode,
  liveMessages,
  NodeUnreachableError,
  readPath,
} from '../api/control-client.ts';
import type { Hello } from '../api/live.ts';
import { helloSchema } from '../api/live-schema.ts';
import { parseJson } from '../core/parse-json.ts';
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
export function commandNode(
  directory: string,
  id: string,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<CommandAnswer> {
  return asking(directory, async (http) =>
    callNode({ http, token: await tokenOf(directory), id, input, signal }),
  );
}

/** What the node of `directory` answers to a path of `READ_ROUTES`. @throws as `commandNode` */
export function readNode(directory: string, path: string, signal: AbortSignal): Promise<unknown> {
  return asking(directory, (http) => readPath(http, path, signal));
}

/** How the node of `directory` stands, with its latest events, as a watcher hears it first. @throws as `commandNode` */
export function greetNode(directory: string, signal: AbortSignal): Promise<Hello> {
  return asking(directory, async (http) => {
    for await (const { event, data } of liveMessages(http, await tokenOf(directory), signal)) {
      if (event === 'hello') return helloSchema.parse(parseJson(data));
    }
    throw new NodeUnreachableError(`the node at ${http} tells nothing`);
  });
}

async function asking<T>(directory: string, ask: (http: string) => Promise<T>): Promise<T> {
  const http = readDaemonInfo(directory)?.http;
  if (!http) {
    throw new NoNodeError(
      `no node runs in ${directory}: name its directory with --dir, or start one with \`starlings node\``,
    );
  }
  try {
    return await ask(http);
  } catch (error) {
    if (!(error instanceof NodeUnreachableError)) throw error;
    throw new NoNodeError(
      `the node of ${directory} does not answer any more: it was killed; start it again with \`starlings node\``,
      { cause: error },
    );
  }
}

async function tokenOf(directory: string): Promise<string> {
  return (await readFile(join(directory, TOKEN_FILE), 'utf8')).trim();
}
