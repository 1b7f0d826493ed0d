/** What a content store should hold, in the plainest words: a list in order of use. */
interface Item {
  readonly blob: number;
  readonly bytes: number;
  readonly owners: readonly string[];
}

export class ContentModel {
  readonly #bytesMax: number;
  /** Longest unused first. */
  #items: readonly Item[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False where it does not fit beside what is pinned. */
  put(blob: number, bytes: number, owner: string | undefined): boolean {
    if (!this.use(blob)) {
      const pinned = this.#items.filter(({ owners }) => owners.length > 0);
      if (sumOf(pinned) + bytes > this.#bytesMax) return false;
      while (sumOf(this.#items) + bytes > this.#bytesMax) {
        const first = this.#items.find(({ owners }) => owners.length === 0);
        this.#items = this.#items.filter((item) => item !== first);
      }
      this.#items = [...this.#items, { blob, bytes, owners: [] }];
    }
    if (owner !== undefined) this.pin(owner, blob);
    return true;
  }

  use(blob: number): boolean {
    const found = this.#items.find((item) => item.blob === blob);
    if (found) this.#items = [...this.#items.filter((item) => item !== found), found];
    return found !== undefined;
  }

  pin(owner: string, blob: number): boolean {
    this.#change(blob, (owners) => [...owners.filter((one) => one !== owner), owner]);
    return this.use(blob);
  }

  unpin(owner: string, blob: number): void {
    const item = this.#items.find((one) => one.blob === blob);
    if (!item?.owners.includes(owner)) return;
    this.#change(blob, (owners) => owners.filter((one) => one !== owner));
    this.use(blob);
  }

  unpinAll(owner: string): void {
    for (const { blob } of this.#items) this.unpin(owner, blob);
  }

  /** By number. */
  held(): number[] {
    return this.#items.map(({ blob }) => blob).sort((one, other) => one - other);
  }

  usage(): { readonly blobs: number; readonly bytes: number; readonly pinnedBytes: number } {
    const pinned = this.#items.filter(({ owners }) => owners.length > 0);
    return { blobs: this.#items.length, bytes: sumOf(this.#items), pinnedBytes: sumOf(pinned) };
  }

  #change(blob: number, how: (owners: readonly string[]) => readonly string[]): void {
    this.#items = this.#items.map((item) =>
      item.blob === blob ? { ...item, owners: how(item.owners) } : item,
    );
  }
}

function sumOf(items: readonly Item[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}
