/**
 * Randomised token accounts (Danner, Jelasity 2018, "Token account algorithms"), one for each part of a model. A round gives each a
 * token, which is spent at once with probability (a - A + 1) / (C - A + 1); a / A parts answer one that came.
 */
export class TokenAccounts {
  /** Tokens held (a); a restart must find them. */
  readonly tokens: Float64Array;
  /** To be sent in answer, at the next chance. */
  readonly #owed: Uint32Array;
  readonly #tokensMin: number;
  readonly #tokensMax: number;
  readonly #random: () => number;

  /** `tokensMin` (A): from which on a part may be sent unasked; `tokensMax` (C): kept at most; `random`: uniform in [0, 1). */
  constructor(parts: number, tokensMin: number, tokensMax: number, random: () => number) {
    this.tokens = new Float64Array(parts);
    this.#owed = new Uint32Array(parts);
    this.#tokensMin = tokensMin;
    this.#tokensMax = tokensMax;
    this.#random = random;
  }

  /** A round has passed: how often a part is sent now. */
  spend(part: number): number {
    const { tokens } = this;
    const proactive = (tokens[part]! - this.#tokensMin + 1) / (this.#tokensMax - this.#tokensMin + 1);
    if (this.#random() < proactive) this.#owed[part]!++;
    else tokens[part] = Math.min(this.#tokensMax, tokens[part]! + 1);
    const sent = this.#owed[part]!;
    this.#owed[part] = 0;
    return sent;
  }

  /** A part came that was worth merging. */
  react(part: number): void {
    const { tokens } = this;
    if (tokens[part]! <= 0) return;
    const reaction = tokens[part]! / this.#tokensMin;
    const sent = Math.floor(reaction) + (this.#random() < reaction % 1 ? 1 : 0);
    this.#owed[part] = this.#owed[part]! + Math.min(sent, tokens[part]!);
    tokens[part] = Math.max(0, tokens[part]! - sent);
  }
}
