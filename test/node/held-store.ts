import type { StoreWrite } from '../../src/core/io.ts';
import type { Store } from '../../src/core/ports.ts';

/** A store whose disk stands still while it is held: commits reach the store underneath once it is released. */
export class HeldStore implements Store {
  readonly #store: Store;
  #gate: PromiseWithResolvers<void> | null = null;
  /** Transactions that were asked for, held ones included. */
  commits = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  hold(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  entries(prefix?: string): AsyncIterable<readonly [string, Uint8Array]> {
    return this.#store.entries(prefix);
  }

  async commit(writes: readonly StoreWrite[], options: { readonly durable: boolean }): Promise<void> {
    this.commits += 1;
    await this.#gate?.promise;
    await this.#store.commit(writes, options);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
