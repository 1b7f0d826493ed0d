/** A node's HTTP API as its operator sees it. */
import type { IncomingMessage } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import * as z from 'zod';
import { parseJson } from '../core/parse-json.ts';
import type { HistoryData } from '../node/view/run-history.ts';
import { type RunView, runViewSchema } from '../node/view/run-view.ts';
import { type ApiPlace, requestApi } from './api-request.ts';
import { historySchema } from './live-schema.ts';

/** A longer answer is none of ours. 1,000 contributions take 100 KiB, all answers of a project of annotation up to 32 MiB. */
const answerBytesMax = 64 << 20;
/** Of a run as a node sees it, which is asked of many nodes every second. */
const viewBytesMax = 4 << 20;

/** Of what is no JSON. */
const answerShownMax = 100;

/** All histories of a node of many runs. */
const messageBytesMax = 64 << 20;

const answerSchema = z.looseObject({ lines: z.array(z.string()).default([]) });
export type CommandAnswer = z.infer<typeof answerSchema>;

const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    path: z.string().optional(),
    dest: z.string().optional(),
    syscall: z.string().optional(),
  }),
});

/** What the node answered to a command: that it cannot be done. */
export class CommandRefusedError extends Error {
  override readonly name = 'CommandRefusedError';
  readonly code: string;
  readonly path: string | undefined;
  /** Of what is copied or renamed: where to. */
  readonly dest: string | undefined;
  readonly syscall: string | undefined;

  constructor({ code, message, path, dest, syscall }: z.infer<typeof errorSchema>['error']) {
    super(message);
    this.code = code;
    this.path = path;
    this.dest = dest;
    this.syscall = syscall;
  }
}

export class NodeUnreachableError extends Error {
  override readonly name = 'NodeUnreachableError';
  readonly code = 'NODE_UNREACHABLE';
}

/** Where a node is, and what may be shown to it; without the token what is for everybody on its machine. */
export interface NodeDoor extends ApiPlace {
  readonly token: string | null;
}

export interface CommandCall {
  readonly id: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

/** Has a node perform a command. @throws CommandRefusedError, NodeUnreachableError, the reason of the signal */
export async function callNode(door: NodeDoor, { id, input, signal }: CommandCall): Promise<CommandAnswer> {
  const headers = { 'content-type': 'application/json', 'x-starlings': 'command', ...shown(door) };
  const asked = { method: 'POST', path: `/${id}`, headers, body: JSON.stringify(input), signal } as const;
  const { isOk, json } = await answerOf(door, asked);
  if (isOk) return answerSchema.parse(json);
  throw new CommandRefusedError(errorSchema.parse(json).error);
}

/** GET of a path of `READ_ROUTES`; what is unhealthy is an answer too. @throws CommandRefusedError, NodeUnreachableError, the reason of the signal */
export async function readPath(door: NodeDoor, path: string, signal: AbortSignal): Promise<unknown> {
  const { isOk, json } = await answerOf(door, { path, headers: shown(door), signal });
  const refused = isOk ? null : errorSchema.safeParse(json);
  if (refused?.success) throw new CommandRefusedError(refused.data.error);
  return json;
}

/** A code with which a page of this node may command it, once. @throws as `callNode` */
export async function postForCode(door: NodeDoor, signal: AbortSignal): Promise<string> {
  const headers = { 'x-starlings': 'command', ...shown(door) };
  const { isOk, json } = await answerOf(door, { method: 'POST', path: '/link', headers, body: '{}', signal });
  if (!isOk) throw new CommandRefusedError(errorSchema.parse(json).error);
  return z.object({ code: z.string() }).parse(json).code;
}

/** What a node tells those who watch it, until it is gone. */
export async function* liveMessages(door: NodeDoor, signal: AbortSignal): AsyncGenerator<EventSourceMessage> {
  const response = await requestApi(door, { path: '/live', headers: shown(door), signal });
  if (!isFine(response)) {
    response.destroy();
    return;
  }
  const ready: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (message) => ready.push(message),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') response.destroy(error);
    },
    maxBufferSize: messageBytesMax,
  });
  response.setEncoding('utf8');
  for await (const chunk of response as AsyncIterable<string>) {
    parser.feed(chunk);
    yield* ready.splice(0);
  }
}

/** GET /runs/RUN/status. Rejects where the node is gone, slow or answers something else. */
export async function fetchRunView(url: string, runId: string, timeoutMs: number): Promise<RunView> {
  return runViewSchema.parse(await readWithin(url, `/runs/${runId}/status`, timeoutMs));
}

/** GET /runs/RUN/history. Rejects as `fetchRunView`. */
export async function fetchHistory(url: string, runId: string, timeoutMs: number): Promise<HistoryData> {
  return historySchema.parse(await readWithin(url, `/runs/${runId}/history`, timeoutMs));
}

async function readWithin(url: string, path: string, timeoutMs: number): Promise<unknown> {
  const response = await requestApi({ url }, { path, signal: AbortSignal.timeout(timeoutMs) });
  if (!isFine(response)) {
    response.destroy();
    throw new Error(`${url}${path} answered ${response.statusCode}`);
  }
  return readJson(response, viewBytesMax);
}

function shown({ token }: NodeDoor): Readonly<Record<string, string>> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

function isFine({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

async function answerOf(
  door: NodeDoor,
  asked: Parameters<typeof requestApi>[1],
): Promise<{ readonly isOk: boolean; readonly json: unknown }> {
  try {
    const response = await requestApi(door, asked);
    return { isOk: isFine(response), json: await readJson(response, answerBytesMax) };
  } catch (error) {
    asked.signal.throwIfAborted();
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
    throw new NodeUnreachableError(whyUnreachable(door.url, error as NodeJS.ErrnoException), {
      cause: error,
    });
  }
}

function whyUnreachable(url: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'EACCES') return `the socket of the node at ${url} may not be used by you`;
  const isTls = /CERT|TLS|SSL|ALTNAME/.test(code ?? '') || /another certificate/.test(message);
  if (isTls) return `what answers at ${url} cannot be told to be the node: ${message}`;
  return `no node answers at ${url}; it may have ended without a word`;
}

async function readJson(response: IncomingMessage, bytesMax: number): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`the node answered more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const json = parseJson(text);
  if (json === undefined) throw new Error(`the node answered no JSON: ${text.slice(0, answerShownMax)}`);
  return json;
}
