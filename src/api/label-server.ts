/** The page of annotators and what it asks, on the loopback interface: whoever has the link answers with the node's key. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type * as z from 'zod';
import { reasonOf } from '../core/as-error.ts';
import { parseJson } from '../core/parse-json.ts';
import { Access } from './access.ts';
import { type HttpServer, listen } from './http-server.ts';
import {
  type GivenAnswer,
  type GivenRuling,
  givenAnswerSchema,
  givenRulingSchema,
  type LabelWork,
} from './label-work.ts';
import { loopback } from './listen-address.ts';
import { servePage } from './page-files.ts';
import { bodyBytesMax, readBody, replyError, replyJson } from './replies.ts';

/** Where the records are, and whatever is said of them. */
export interface LabelDesk {
  work(): LabelWork;
  /** @throws NodeError and others, with a sentence, for what cannot be said */
  answer(given: GivenAnswer): void;
  decide(given: GivenRuling): Promise<void>;
}

export interface LabelServerOptions {
  /** 0 for any free one. */
  readonly port: number;
  /** What a page has to show. */
  readonly token: string;
  readonly desk: LabelDesk;
  readonly onError: (error: unknown) => void;
}

/** @throws EADDRINUSE and the like, with address and port */
export async function startLabelServer({
  port,
  token,
  desk,
  onError,
}: LabelServerOptions): Promise<HttpServer> {
  const access = new Access(token, () => Date.now());
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = ''] = (request.url ?? '').split('?');
    if (request.method === 'GET' && path !== '/work') {
      request.resume();
      if (!(await servePage(path, response, 'label.html')))
        replyError(response, 404, 'NOT_FOUND', 'GET /work, POST /answer, POST /decide, the page at GET /');
      return;
    }
    if (!access.mayCommand(request)) {
      request.resume();
      const sentence =
        'open the link that `starlings label serve` prints: what is answered is signed by its node';
      replyError(response, 401, 'NOT_ALLOWED', sentence);
      return;
    }
    await answerFriend(desk, path, request, response);
  };
  return listen({ at: loopback(port), answer, onError, beforeClose: () => {} });
}

async function answerFriend(
  desk: LabelDesk,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'GET') {
    request.resume();
    replyJson(response, 200, desk.work());
    return;
  }
  const text = await readBody(request);
  if (text === null) {
    replyError(response, 413, 'TOO_LARGE', `what is said has at most ${bodyBytesMax} bytes`);
    return;
  }
  try {
    if (request.method !== 'POST') replyError(response, 405, 'BAD_METHOD', 'GET or POST');
    else if (path === '/answer') {
      desk.answer(said(givenAnswerSchema, text));
      replyJson(response, 200, desk.work());
    } else if (path === '/decide') {
      await desk.decide(said(givenRulingSchema, text));
      replyJson(response, 200, desk.work());
    } else replyError(response, 404, 'NOT_FOUND', `nothing is posted to ${path.slice(0, 64)}`);
  } catch (error) {
    // Ours, or the node's own sentence.
    replyError(response, 422, 'NOT_TAKEN', reasonOf(error));
  }
}

function said<T>(schema: z.ZodType<T>, text: string): T {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw new RangeError(`${first?.path.join('.') || 'what is said'}: ${first?.message}`);
}
