/** A node's HTTP API as its operator sees it. */
import type { EventSourceMessage } from 'eventsource-parser';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import * as z from 'zod';
import type { HistoryData } from '../node/run-history.ts';
import { type RunView, runViewSchema } from '../node/run-view.ts';
import { historySchema } from './live-schema.ts';

/** A longer answer is none of ours. 1,000 contributions take 100 KiB. */
const answerBytesMax = 4 << 20;

/** All histories of a node of many runs. */
const messageBytesMax = 64 << 20;

const answerSchema = z.looseObject({ lines: z.array(z.string()).default([]) });
export type CommandAnswer = z.infer<typeof answerSchema>;

const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    path: z.string().optional(),
    syscall: z.string().optional(),
  }),
});

/** What the node answered to a command: that it cannot be done. */
class CommandRefusedError extends Error {
  override readonly name = 'CommandRefusedError';
  readonly code: string;
  readonly path: string | undefined;
  readonly syscall: string | undefined;

  constructor({ code, message, path, syscall }: z.infer<typeof errorSchema>['error']) {
    super(message);
    this.code = code;
    this.path = path;
    this.syscall = syscall;
  }
}

export class NodeUnreachableError extends Error {
  override readonly name = 'NodeUnreachableError';
  readonly code = 'NODE_UNREACHABLE';
}

export interface CommandCall {
  readonly http: string;
  readonly token: string;
  readonly id: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

/** Has a node perform a command. @throws CommandRefusedError, NodeUnreachableError, the reason of the signal */
export async function callNode({ http, token, id, input, signal }: CommandCall): Promise<CommandAnswer> {
  const headers = {
    'content-type': 'application/json',
    'x-starlings': 'command',
    authorization: `Bearer ${token}`,
  };
  const body = JSON.stringify(input);
  const response = await reached(
    http,
    fetch(`${http}/${id}`, { method: 'POST', headers, body, signal }),
    signal,
  );
  const answer = await readJson(response);
  if (response.ok) return answerSchema.parse(answer);
  throw new CommandRefusedError(errorSchema.parse(answer).error);
}

/** GET of a path of `READ_ROUTES`; what is unhealthy is an answer too. @throws CommandRefusedError, NodeUnreachableError, the reason of the signal */
export async function readPath(http: string, path: string, signal: AbortSignal): Promise<unknown> {
  const response = await reached(http, fetch(`${http}${path}`, { signal }), signal);
  const answer = await readJson(response);
  const refused = response.ok ? null : errorSchema.safeParse(answer);
  if (refused?.success) throw new CommandRefusedError(refused.data.error);
  return answer;
}

/** What a node tells those who watch it, until it is gone. */
export async function* liveMessages(
  http: string,
  token: string,
  signal: AbortSignal,
): AsyncGenerator<EventSourceMessage> {
  const response = await fetch(`${http}/live`, { headers: { authorization: `Bearer ${token}` }, signal });
  if (!response.ok || !response.body) return;
  yield* response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ maxBufferSize: messageBytesMax }));
}

/** GET /runs/RUN/status. Rejects where the node is gone, slow or answers something else. */
export async function fetchRunView(http: string, runId: string, timeoutMs: number): Promise<RunView> {
  return runViewSchema.parse(await readWithin(`${http}/runs/${runId}/status`, timeoutMs));
}

/** GET /runs/RUN/history. Rejects as `fetchRunView`. */
export async function fetchHistory(http: string, runId: string, timeoutMs: number): Promise<HistoryData> {
  return historySchema.parse(await readWithin(`${http}/runs/${runId}/history`, timeoutMs));
}

async function readWithin(address: string, timeoutMs: number): Promise<unknown> {
  const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${address} answered ${response.status}`);
  return readJson(response);
}

async function reached(http: string, response: Promise<Response>, signal: AbortSignal): Promise<Response> {
  try {
    return await response;
  } catch (error) {
    signal.throwIfAborted();
    throw new NodeUnreachableError(`no node answers at ${http}; it may have ended without a word`, {
      cause: error,
    });
  }
}

async function readJson(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error(`${response.url} answered more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
