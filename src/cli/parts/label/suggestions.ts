/** What a model suggests of the records of a desk, which of that an annotator gets to see, and what an answer says of it. */
import * as dagCbor from '@ipld/dag-cbor';
import type { Crypto } from '../../../core/crypto.ts';
import { suggestionHash } from '../../../entries/labels/answer-kind.ts';
import type { LabelRecord } from './label-records.ts';
import type { Suggester, Suggestion } from './suggester.ts';

/** One of so many is not shown: what annotators answer there is their own. */
const hiddenOneIn = 10;

export class Suggestions {
  readonly #suggester: Pick<Suggester, 'model' | 'suggest'>;
  readonly #crypto: Crypto;
  /** Null: the model has none. */
  readonly #known = new Map<string, Suggestion | null>();
  #annotator = '';

  constructor(suggester: Pick<Suggester, 'model' | 'suggest'>, crypto: Crypto) {
    this.#suggester = suggester;
    this.#crypto = crypto;
  }

  get model(): string {
    return this.#suggester.model;
  }

  /** Of those that it was not asked of before. */
  async learn(records: readonly LabelRecord[], annotator: string, signal: AbortSignal): Promise<void> {
    this.#annotator = annotator;
    const asked = records.filter(({ hash }) => !this.#known.has(hash));
    if (asked.length === 0) return;
    const found = await this.#suggester.suggest(asked, signal);
    for (const { hash } of asked) this.#known.set(hash, found.get(hash) ?? null);
  }

  /** How probable its suggestion is; null where there is none. */
  sureOf(record: string): number | null {
    return this.#known.get(record)?.probability ?? null;
  }

  /** Null where there is none, or it is hidden. */
  shown(record: string): string | null {
    const known = this.#known.get(record) ?? null;
    return known !== null && !this.#isHidden(record) ? known.value : null;
  }

  /** As an answer names it; null where there is none. */
  said(record: string): { readonly hash: string; readonly isShown: boolean } | null {
    const known = this.#known.get(record) ?? null;
    if (known === null) return null;
    const hash = suggestionHash(this.#crypto, { model: this.model, record, value: known.value });
    return { hash, isShown: !this.#isHidden(record) };
  }

  /** The same whenever it is asked, so that nobody sees it by asking again; of other records for other annotators. */
  #isHidden(record: string): boolean {
    const [high, low] = this.#crypto.sha256(dagCbor.encode({ annotator: this.#annotator, record }));
    return ((high! << 8) | low!) % hiddenOneIn === 0;
  }
}
