/** Models over HTTP on the loopback interface: language models in the form of OpenAI's API, the others by rows. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type * as z from 'zod';
import { reasonOf } from '../core/as-error.ts';
import { parseJson } from '../core/parse-json.ts';
import { type HttpServer, listen } from './http-server.ts';
import { loopback } from './listen-address.ts';
import { completionSchema, feedbackSchema, modelOpenApi, predictSchema } from './model-openapi.ts';
import { bodyBytesMax, everywhere, readBody, reply, replyJson } from './replies.ts';
import { Turnstile } from './turnstile.ts';

/** One that answers, as its file is now. */
export interface ServedModel {
  readonly id: string;
  readonly createdMs: number;
  readonly ownedBy: string;
  /** A language model's: writes byte after byte. Null for all others. */
  readonly write: ((asked: WriteRequest, signal: AbortSignal) => AsyncIterable<number>) | null;
  /** Of rows in the units of the data; null for language models. @throws Error where they do not fit */
  readonly predict:
    | ((rows: readonly (readonly (number | null)[])[], signal: AbortSignal) => Promise<readonly unknown[]>)
    | null;
}

export interface WriteRequest {
  readonly prompt: Uint8Array;
  readonly bytes: number;
  readonly temperature: number;
  readonly seed: number;
}

export interface Shelf {
  list(): readonly Pick<ServedModel, 'id' | 'createdMs' | 'ownedBy'>[];
  /** Null for no such model. @throws ModelFileError where its file became none */
  get(id: string): Promise<ServedModel | null>;
}

export type Feedback = z.infer<typeof feedbackSchema>;

export interface ModelServerOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly shelf: Shelf;
  /** A request was answered, with so many bytes or rows. */
  readonly onUse: (id: string, units: number) => void;
  /** Null: nobody asked for it. */
  readonly onFeedback: ((feedback: Feedback) => Promise<void>) | null;
  readonly onError: (error: unknown) => void;
}

/** Requests that wait while another is computed; more are told to come again. */
const waitingMax = 16;
/** Of one request, waiting included. Guess. */
const answerMsMax = 120_000;

/** @throws EADDRINUSE and the like, with address and port */
export async function startModelServer(options: ModelServerOptions): Promise<HttpServer> {
  const server = new ModelServer(options);
  return listen({
    at: loopback(options.port),
    answer: (request, response) => server.answer(request, response),
    onError: options.onError,
    beforeClose: () => server.stop(),
  });
}

/** As OpenAI's clients read it. */
class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: string;
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

class ModelServer {
  readonly #options: ModelServerOptions;
  readonly #turns = new Turnstile(waitingMax);
  readonly #stopper = new AbortController();
  #completions = 0;

  constructor(options: ModelServerOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopper.abort(new Error('the server is stopping'));
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?');
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('nobody waits for the answer')));
    const signal = AbortSignal.any([gone.signal, this.#stopper.signal, AbortSignal.timeout(answerMsMax)]);
    try {
      if (request.method === 'GET') {
        request.resume();
        this.#get(path, response);
      } else if (request.method === 'POST') await this.#post(path, request, response, signal);
      else throw new RequestError(405, 'method_not_allowed', 'GET or POST');
    } catch (error) {
      this.#refuse(error, response);
    }
  }

  #get(path: string, response: ServerResponse): void {
    const { shelf } = this.#options;
    const models = shelf.list().map(modelObject);
    const [, named] = /^\/v1\/models\/(.+)$/.exec(path) ?? [];
    const wanted =
      named === undefined ? undefined : models.find(({ id }) => id === decodeURIComponent(named));
    if (path === '/v1/models') replyJson(response, 200, { object: 'list', data: models });
    else if (wanted) replyJson(response, 200, wanted);
    else if (path === '/openapi.json') replyJson(response, 200, modelOpenApi());
    else if (path === '/health') reply(response, 200, 'text/plain', 'ok\n');
    else if (named !== undefined) throw noModel(named);
    else {
      const there =
        'GET /v1/models, POST /v1/completions, POST /predict, POST /feedback, GET /openapi.json, GET /health';
      throw new RequestError(404, 'not_found', `there is no ${path}; there are ${there}`);
    }
  }

  async #post(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const text = await readBody(request);
    if (text === null)
      throw new RequestError(413, 'too_large', `a request has at most ${bodyBytesMax} bytes`);
    const input = parseJson(text);
    if (input === undefined) throw new RequestError(400, 'bad_request', 'the body of the request is no JSON');
    if (path === '/v1/completions') await this.#complete(input, response, signal);
    else if (path === '/predict') await this.#predict(input, response, signal);
    else if (path === '/feedback') await this.#feedback(input, response);
    else throw new RequestError(404, 'not_found', `nothing is posted to ${path}`);
  }

  async #complete(input: unknown, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const asked = parsed(completionSchema, input);
    const model = await this.#model(asked.model);
    if (model.write === null) {
      throw new RequestError(400, 'not_a_language_model', `${asked.model} does not write: POST /predict`);
    }
    const { write } = model;
    await this.#inTurn(signal, async () => {
      const [prompt = ''] = [asked.prompt].flat();
      const bytes = new TextEncoder().encode(prompt);
      if (bytes.length === 0)
        throw new RequestError(400, 'empty_prompt', 'the prompt needs at least one byte');
      const { max_tokens: most, temperature, seed, stop } = asked;
      const writing = write(
        { prompt: bytes, bytes: most, temperature: Math.max(0.01, temperature), seed },
        signal,
      );
      const id = `cmpl-${++this.#completions}`;
      const common = {
        id,
        object: 'text_completion',
        created: Math.floor(Date.now() / 1000),
        model: asked.model,
      };
      const choice = (text: string, reason: string | null) => ({
        ...common,
        choices: [{ text, index: 0, logprobs: null, finish_reason: reason }],
      });
      const stops = [stop ?? []].flat();
      const isStream = asked.stream;
      if (isStream) response.writeHead(200, { ...everywhere, 'content-type': 'text/event-stream' });
      const { text, written, reason } = await textOf(writing, stops, (piece) => {
        if (isStream) response.write(`data: ${JSON.stringify(choice(piece, null))}\n\n`);
      });
      this.#options.onUse(asked.model, written);
      const usage = {
        prompt_tokens: bytes.length,
        completion_tokens: written,
        total_tokens: bytes.length + written,
      };
      if (isStream) {
        response.end(`data: ${JSON.stringify({ ...choice('', reason), usage })}\n\ndata: [DONE]\n\n`);
      } else replyJson(response, 200, { ...choice(text, reason), usage });
    });
  }

  async #predict(input: unknown, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { model: id, rows } = parsed(predictSchema, input);
    const { predict } = await this.#model(id);
    if (predict === null)
      throw new RequestError(400, 'a_language_model', `${id} writes: POST /v1/completions`);
    await this.#inTurn(signal, async () => {
      const predictions = await predict(rows, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        throw new RequestError(400, 'bad_rows', reasonOf(error));
      });
      this.#options.onUse(id, rows.length);
      replyJson(response, 200, { model: id, predictions });
    });
  }

  async #feedback(input: unknown, response: ServerResponse): Promise<void> {
    const { onFeedback } = this.#options;
    if (onFeedback === null) {
      throw new RequestError(
        403,
        'no_feedback',
        'this server hands on no feedback: it was started without --report',
      );
    }
    const feedback = parsed(feedbackSchema, input);
    await this.#model(feedback.model);
    await onFeedback(feedback).catch((error: unknown) => {
      throw new RequestError(422, 'not_published', reasonOf(error));
    });
    replyJson(response, 200, { published: true });
  }

  async #model(id: string): Promise<ServedModel> {
    const model = await this.#options.shelf.get(id);
    if (model === null) throw noModel(id);
    return model;
  }

  /** One is computed at a time: two would take twice as long each. */
  async #inTurn(signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    const leave = await this.#turns.enter(signal);
    if (leave === null)
      throw new RequestError(429, 'busy', 'too many requests wait already: try again in a moment');
    try {
      await act();
    } finally {
      leave();
    }
  }

  #refuse(error: unknown, response: ServerResponse): void {
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const known = error instanceof RequestError ? error : null;
    if (known === null) this.#options.onError(error);
    const { status = 500, code = 'failed' } = known ?? {};
    const type = status >= 500 ? 'server_error' : 'invalid_request_error';
    replyJson(response, status, { error: { message: reasonOf(error), type, param: null, code } });
  }
}

function noModel(id: string): RequestError {
  return new RequestError(404, 'model_not_found', `there is no model ${id.slice(0, 128)} here`);
}

function modelObject({ id, createdMs, ownedBy }: Pick<ServedModel, 'id' | 'createdMs' | 'ownedBy'>) {
  return { id, object: 'model', created: Math.floor(createdMs / 1000), owned_by: ownedBy };
}

function parsed<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  throw new RequestError(400, 'bad_request', `${first?.path.join('.') || 'the request'}: ${first?.message}`);
}

interface Written {
  readonly text: string;
  /** Bytes that the model gave, those of a stop among them. */
  readonly written: number;
  readonly reason: 'stop' | 'length';
}

/** Up to a text that ends it; of what may be the beginning of one nothing is said before that is known. */
async function textOf(
  bytes: AsyncIterable<number>,
  stops: readonly string[],
  say: (piece: string) => void,
): Promise<Written> {
  const decoder = new TextDecoder();
  const held = Math.max(0, ...stops.map(({ length }) => length)) - 1;
  let text = '';
  let said = 0;
  let written = 0;
  const sayTo = (end: number): void => {
    if (end <= said) return;
    say(text.slice(said, end));
    said = end;
  };
  for await (const byte of bytes) {
    written += 1;
    text += decoder.decode(Uint8Array.of(byte), { stream: true });
    const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (ends.length > 0) {
      const end = Math.min(...ends);
      sayTo(end);
      return { text: text.slice(0, end), written, reason: 'stop' };
    }
    sayTo(text.length - Math.max(0, held));
  }
  text += decoder.decode();
  sayTo(text.length);
  return { text, written, reason: 'length' };
}
