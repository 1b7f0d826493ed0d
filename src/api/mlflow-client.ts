/** The calls of MLflow's REST API that figures need, each with an answer and no exception. */
import * as z from 'zod';
import { parseJson } from '../core/parse-json.ts';
import type { Scalar } from './settled-figures.ts';

const answerMs = 10_000;
const answerBytesMax = 1 << 20;
/** Of what a server says in words. */
const whyMax = 300;

const [runTag, nodeTag] = ['starlings.run_id', 'starlings.node'];

export interface MlflowTarget {
  /** `http://host:5000`, with the path that stands before `/api`. */
  readonly url: string;
  /** What lets in; null where everybody is. */
  readonly pass?: MlflowPass | null | undefined;
}

/** What is said to the server, and by which names: `secrets` are not for people. */
export interface MlflowPass {
  readonly authorization: string;
  readonly secrets: readonly string[];
}

/** As MLflow's own clients take it from the environment: a name and a password go before a token. @throws MlflowTargetError */
export function mlflowPass(environment: Readonly<Record<string, string | undefined>>): MlflowPass | null {
  const user = environment['MLFLOW_TRACKING_USERNAME'] || null;
  const password = environment['MLFLOW_TRACKING_PASSWORD'] || null;
  const token = environment['MLFLOW_TRACKING_TOKEN'] || null;
  if ((user === null) !== (password === null)) {
    throw new MlflowTargetError(
      'of MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD one is set: set both, or neither',
    );
  }
  if (user !== null && password !== null) {
    if (user.includes(':'))
      throw new MlflowTargetError('a name with a colon in it cannot be told to a server');
    const coded = Buffer.from(`${user}:${password}`).toString('base64');
    return { authorization: `Basic ${coded}`, secrets: [coded, password] };
  }
  return token === null ? null : { authorization: `Bearer ${token}`, secrets: [token] };
}

/** `away`: it may go better later. `refused`: it will not. */
export type MlflowAnswer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'away' | 'refused'; readonly why: string; readonly code: string | null };

class MlflowTargetError extends Error {
  override readonly name = 'MlflowTargetError';
  readonly code = 'BAD_USAGE';
}

const experimentSchema = z.object({ experiment: z.object({ experiment_id: z.string() }) });
const createdSchema = z.object({ experiment_id: z.string() });
const runSchema = z.object({ info: z.object({ run_id: z.string() }) });
const errorSchema = z.object({ error_code: z.string().optional(), message: z.string().optional() });

export class MlflowClient {
  /** The address as people may read it. */
  readonly shown: string;
  readonly #base: URL;
  readonly #pass: MlflowPass | null;
  readonly #signal: AbortSignal;

  /** @throws MlflowTargetError */
  constructor({ url, pass = null }: MlflowTarget, signal: AbortSignal) {
    this.#signal = signal;
    this.#base = checkedMlflowUrl(url, pass !== null);
    this.#pass = pass;
    this.shown = this.#base.origin;
  }

  /** Its id; it is made where there is none of the name. */
  async experiment(name: string): Promise<MlflowAnswer<string>> {
    const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
    const found = readAs(
      await this.#ask('GET', query),
      experimentSchema,
      (one) => one.experiment.experiment_id,
    );
    if (found.kind === 'ok' || found.code !== 'RESOURCE_DOES_NOT_EXIST') return found;
    const made = await this.post('experiments/create', { name });
    return readAs(made, createdSchema, (one) => one.experiment_id);
  }

  /** Of an earlier life of the node; null where there is none. */
  async findRun(
    experiment: string,
    { runId, node }: Pick<Scalar, 'runId' | 'node'>,
  ): Promise<MlflowAnswer<string | null>> {
    const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '')}'`;
    const answer = await this.post('runs/search', {
      experiment_ids: [experiment],
      filter: `tags.\`${runTag}\` = ${quoted(runId)} and tags.\`${nodeTag}\` = ${quoted(node)}`,
      max_results: 1,
    });
    const schema = z.object({ runs: z.array(runSchema).default([]) });
    return readAs(answer, schema, ({ runs }) => runs[0]?.info.run_id ?? null);
  }

  async createRun(
    experiment: string,
    { runId, node, atMs = Date.now() }: { runId: string; node: string; atMs?: number },
  ): Promise<MlflowAnswer<string>> {
    const answer = await this.post('runs/create', {
      experiment_id: experiment,
      run_name: node,
      start_time: atMs,
      tags: [
        { key: runTag, value: runId },
        { key: nodeTag, value: node },
        { key: 'mlflow.source.name', value: 'starlings' },
      ],
    });
    return readAs(answer, z.object({ run: runSchema }), ({ run }) => run.info.run_id);
  }

  async post(path: string, body: Readonly<Record<string, unknown>>): Promise<MlflowAnswer<unknown>> {
    return this.#ask('POST', path, JSON.stringify(body));
  }

  async #ask(method: 'GET' | 'POST', path: string, body?: string): Promise<MlflowAnswer<unknown>> {
    try {
      const response = await fetch(new URL(`api/2.0/mlflow/${path}`, this.#base), {
        method,
        // What was meant for this server is given to no other.
        redirect: 'error',
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(answerMs)]),
        headers: {
          'content-type': 'application/json',
          ...(this.#pass === null ? {} : { authorization: this.#pass.authorization }),
        },
        ...(body === undefined ? {} : { body }),
      });
      const answer = parseJson(await textOf(response));
      if (response.ok) return { kind: 'ok', value: answer };
      const { data } = errorSchema.safeParse(answer);
      const why = `${response.status} ${data?.message ?? response.statusText}`;
      const isPassing = response.status >= 500 || [401, 403, 408, 429].includes(response.status);
      return {
        kind: isPassing ? 'away' : 'refused',
        why: this.#inShort(why),
        code: data?.error_code ?? null,
      };
    } catch (error) {
      const { message, cause } = error as Error;
      const why = cause instanceof Error ? cause.message || message : message;
      return { kind: 'away', why: this.#inShort(why), code: null };
    }
  }

  /** A server may say back what it was sent. */
  #inShort(why: string): string {
    const secrets = this.#pass?.secrets ?? [];
    const safe = secrets.reduce((text, secret) => text.replaceAll(secret, '(a secret)'), why);
    return safe.replaceAll(/\p{Cc}+/gu, ' ').slice(0, whyMax);
  }
}

/** @throws MlflowTargetError */
export function checkedMlflowUrl(text: string, hasSecret: boolean): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new MlflowTargetError(`${text} is no address of an MLflow server, such as http://127.0.0.1:5000`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new MlflowTargetError(
      'an address with a password in it is read by everybody who lists processes: leave it out, and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN',
    );
  }
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (hasSecret && url.protocol === 'http:' && !isHere) {
    throw new MlflowTargetError(
      `the password or token for ${url.host} would be readable on the way: give an address that begins with https`,
    );
  }
  return url;
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error(`it answered more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readAs<T, U>(
  answer: MlflowAnswer<unknown>,
  schema: z.ZodType<T>,
  read: (data: T) => U,
): MlflowAnswer<U> {
  if (answer.kind !== 'ok') return answer;
  const { data, success } = schema.safeParse(answer.value);
  if (success) return { kind: 'ok', value: read(data) };
  return { kind: 'away', why: 'it answers as no MLflow server does', code: null };
}
