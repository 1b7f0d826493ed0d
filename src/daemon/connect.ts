/** Talks to a node: the one that runs in a directory, or one at an address. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CommandAnswer,
  callNode,
  liveMessages,
  type NodeDoor,
  NodeUnreachableError,
  postForCode,
  readPath,
} from '../api/control-client.ts';
import type { Hello } from '../api/live.ts';
import { helloSchema } from '../api/live-schema.ts';
import { parseJson } from '../core/parse-json.ts';
import { readDaemonInfo } from './daemon-info.ts';
import { nodesIn, TOKEN_FILE } from './directory.ts';
import { readTokenFile } from './token-file.ts';

class NoNodeError extends Error {
  override readonly name = 'NoNodeError';
  readonly code = 'NO_NODE';
}

/** A node that is not found by its directory: on another machine, say. */
export interface RemoteNode {
  /** `https://HOST:PORT`, `unix:/path`, `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Absent: what may be read without. */
  readonly tokenFile?: string | undefined;
  /** PEM file of the certificate that it has; absent: one that this machine trusts. */
  readonly certificateFile?: string | undefined;
}

/** Or the directory in which it runs. */
export type NodeTarget = string | RemoteNode;

/**
 * Has a node perform a command of the table. @throws NoNodeError where none runs there;
 * CommandRefusedError with the node's own sentence; system errors where the token may not be read; TokenFileError
 */
export function commandNode(
  target: NodeTarget,
  id: string,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<CommandAnswer> {
  return asking(target, (door) => callNode(door, { id, input, signal }));
}

/** What a node answers to a path of `READ_ROUTES`. @throws as `commandNode` */
export function readNode(target: NodeTarget, path: string, signal: AbortSignal): Promise<unknown> {
  return asking(target, (door) => readPath(door, path, signal));
}

/** How a node stands, with its latest events, as a watcher hears it first. @throws as `commandNode` */
export function greetNode(target: NodeTarget, signal: AbortSignal): Promise<Hello> {
  return asking(target, async (door) => {
    for await (const { event, data } of liveMessages(door, signal)) {
      if (event === 'hello') return helloSchema.parse(parseJson(data));
    }
    throw new NodeUnreachableError(`the node at ${door.url} tells nothing`);
  });
}

/** Where a browser on this machine, or one that trusts its certificate, may command the node; works once. @throws as `commandNode` */
export function linkToNode(target: NodeTarget, signal: AbortSignal): Promise<string> {
  return asking(target, async (door) => {
    if (door.url.startsWith('unix:')) {
      throw new NoNodeError(
        `no browser opens ${door.url}: the API of this node listens on a socket file; have it listen on a port (httpPort in its file) for a page`,
      );
    }
    // What follows # stays in the browser: it is in no request and in no log of anybody's.
    return `${door.url}/#code=${await postForCode(door, signal)}`;
  });
}

async function asking<T>(target: NodeTarget, ask: (door: NodeDoor) => Promise<T>): Promise<T> {
  const door = typeof target === 'string' ? await doorOf(target) : await remoteDoor(target);
  try {
    return await ask(door);
  } catch (error) {
    if (!(error instanceof NodeUnreachableError)) throw error;
    throw new NoNodeError(
      typeof target === 'string'
        ? `the node of ${target} does not answer any more: it was killed; start it again with \`starlings node\``
        : error.message,
      { cause: error },
    );
  }
}

/** @throws NoNodeError where no node runs there */
export async function doorOf(directory: string): Promise<NodeDoor> {
  const { http: url, certificate } = readDaemonInfo(directory) ?? { http: null };
  if (url) return { url, certificate, token: await readTokenFile(join(directory, TOKEN_FILE)) };
  const inside = nodesIn(directory);
  throw new NoNodeError(
    inside === null
      ? `no node runs in ${directory}: name its directory with --dir, or start one with \`starlings node\``
      : `no node runs in ${directory}; ${inside}`,
  );
}

/** @throws TokenFileError; system errors where a file cannot be read */
export async function remoteDoor({ url, tokenFile, certificateFile }: RemoteNode): Promise<NodeDoor> {
  const token = tokenFile === undefined ? null : await readTokenFile(tokenFile);
  if (certificateFile === undefined) return { url, token };
  return { url, token, certificate: await readFile(certificateFile, 'utf8') };
}
