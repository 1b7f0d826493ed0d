/** What the page has its node do. */
import { holdPass, withPass } from './pass.ts';

/** Why not, in the node's own sentence. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  /** The pass that this page holds is worth nothing (any more). */
  readonly isStranger: boolean;

  constructor(message: string, isStranger: boolean) {
    super(message);
    this.isStranger = isStranger;
  }
}

async function asked(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch(() => {
    throw new RefusedError('the node does not answer', false);
  });
  if (response.ok) return response;
  const answer = (await response.json().catch(() => null)) as { error?: { message?: unknown } } | null;
  const message = answer?.error?.message ?? `the node answered ${response.status}`;
  throw new RefusedError(String(message), response.status === 401);
}

function post(path: string, input: object): Promise<Response> {
  const headers = withPass({ 'content-type': 'application/json', 'x-starlings': 'command' });
  return asked(path, { method: 'POST', headers, body: JSON.stringify(input) });
}

/** A command of the node's table: what it says for people. @throws RefusedError */
export async function command(id: string, input: object): Promise<readonly string[]> {
  const { lines } = (await (await post(id, input)).json()) as { lines: readonly string[] };
  return lines;
}

/** @throws RefusedError where the link was used before */
export async function redeem(code: string): Promise<void> {
  const { token } = (await (await post('pass', { code })).json()) as { token: string };
  holdPass(token);
}

/** Hands the model of a run to the browser, which keeps it where it keeps files. @throws RefusedError */
export async function downloadModel(runId: string, name: string): Promise<void> {
  const response = await asked(`runs/${encodeURIComponent(runId)}/model`, { headers: withPass() });
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = address;
  link.download = `${name.replaceAll(/[^\w.-]+/g, '-')}.safetensors`;
  link.click();
  URL.revokeObjectURL(address);
}
