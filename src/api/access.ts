/** Who may command: whoever holds the token of the node, or a pass that a page got for a code that works once. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A code that nobody used by then is worth nothing. Guess. */
const codeMsMax = 10 * 60_000;
/** Of the oldest of more nothing is kept. */
const codesMax = 8;
const passesMax = 16;

const secret = (): string => randomBytes(32).toString('hex');

export class Access {
  readonly #token: string;
  readonly #nowMs: () => number;
  /** When each was made, oldest first. */
  readonly #codes = new Map<string, number>();
  #passes: readonly string[] = [];

  constructor(token: string, nowMs: () => number) {
    this.#token = token;
    this.#nowMs = nowMs;
  }

  mayCommand({ headers }: IncomingMessage): boolean {
    const given = headers.authorization ?? '';
    return [this.#token, ...this.#passes].some((known) => isSame(given, `Bearer ${known}`));
  }

  /** For one page. */
  code(): string {
    const code = secret();
    this.#codes.set(code, this.#nowMs());
    const [oldest] = this.#codes.keys();
    if (this.#codes.size > codesMax && oldest !== undefined) this.#codes.delete(oldest);
    return code;
  }

  /** What to show in place of the token until the node stops; null where the code is none, too old, or was used. */
  passFor(code: string): string | null {
    const madeAtMs = this.#codes.get(code);
    if (madeAtMs === undefined) return null;
    this.#codes.delete(code);
    if (this.#nowMs() - madeAtMs > codeMsMax) return null;
    const pass = secret();
    this.#passes = [...this.#passes, pass].slice(-passesMax);
    return pass;
  }
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
