/** Rounds of a log that trains nothing, folded by its kinds as a node folds them. */
import assert from 'node:assert/strict';
import * as dagCbor from '@ipld/dag-cbor';
import { createEntryKind, entryKindSchema } from '../../src/entries/registry.ts';
import type { EntryKind, LogEntry } from '../../src/log/entry-kind.ts';
import { sealEnvelope } from '../../src/log/envelope.ts';
import { crypto, noHistory, signerOf } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

export interface Wrote {
  readonly author: number;
  readonly kind: string;
  readonly body: object;
}

export class FoldedKinds {
  readonly kinds: readonly EntryKind[];
  readonly states: readonly unknown[];
  readonly #context: { readonly crypto: typeof crypto; readonly runId: string };

  constructor(runId: string, specs: readonly object[]) {
    this.#context = { crypto, runId };
    this.kinds = specs.map((spec) => createEntryKind(entryKindSchema.parse(spec), this.#context));
    this.states = this.kinds.map((kind) => kind.initial());
  }

  /** Entries in the order of the round, those of one author and kind as they were written. Returns them. */
  foldRound(round: number, wrote: readonly Wrote[], root = plainRound.root): readonly LogEntry[] {
    return this.kinds.flatMap((kind, number) => {
      const entries = wrote
        .filter((one) => one.kind === kind.id)
        .map((one, index) => this.#entry(kind, number, round, index, one))
        .sort((a, b) => (a.author < b.author ? -1 : a.author > b.author ? 1 : a.index - b.index));
      const stateOf = (id: string): unknown => this.stateOf(id);
      kind.reduce(this.states[number], { ...plainRound, round, root, entries, stateOf });
      return entries;
    });
  }

  /** Why it would not count if it were written in the round. */
  uncounted(round: number, wrote: Wrote): string | null {
    const number = this.kinds.findIndex(({ id }) => id === wrote.kind);
    const kind = this.kinds[number]!;
    const entry = this.#entry(kind, number, round, 0, wrote);
    return kind.uncounted!(entry, this.states[number], (id) => this.stateOf(id));
  }

  stateOf(id: string): unknown {
    return this.states[this.kinds.findIndex((kind) => kind.id === id)];
  }

  #entry(kind: EntryKind, number: number, round: number, index: number, { author, body }: Wrote): LogEntry {
    const bytes = dagCbor.encode(body);
    const content = kind.decode(bytes, []);
    assert.ok(content, `no body of ${kind.id}`);
    const place = { round, kind: number, index, anchor: noHistory, claims: [] };
    return { ...sealEnvelope(place, bytes, this.#context, signerOf(author)), body: bytes, content };
  }
}
