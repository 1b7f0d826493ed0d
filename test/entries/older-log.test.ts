/**
 * The arithmetic does not change when the format of what carries it does. What norms are clipped by has changed since: it was the
 * median of an earlier round, and is the round's own, at most 1.5 times that of the round before.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeFloat32 } from '../../src/codec/dense.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { foldRound, initialState } from '../../src/log/log-state.ts';
import { deltaLogSchema } from '../../src/methods/delta-log/schema.ts';
import {
  bookOf,
  contextWith,
  crypto,
  deltaStateOf,
  noHistory,
  type SmallRun,
  smallRun,
} from '../log/small-run.ts';

interface OlderLog {
  readonly runId: string;
  readonly strategy: { readonly clipFactor: number };
  readonly initial: readonly number[];
  readonly deltas: ReadonlyArray<Record<'author' | 'body', string> & Record<'round' | 'misses', number>>;
  readonly rounds: ReadonlyArray<
    Record<'round' | 'publishers' | 'weight', number> & { readonly modelHash: string }
  >;
}

const older: OlderLog = JSON.parse(
  readFileSync(new URL('../vectors/log-of-version-1.json', import.meta.url), 'utf8'),
);

test('the deltas of a log of version 1 fold to the models they folded to then', () => {
  // The lots are drawn by the id of that run.
  const run: SmallRun = { ...smallRun({ rounds: 1000 }), runId: older.runId };
  const initial = Float32Array.from(older.initial);
  const context = contextWith(
    run,
    deltaLogSchema.parse({ ...older.strategy, clipFactor: older.strategy.clipFactor / 1.5 }),
    initial,
  );
  const { delta, kinds, frame, rules } = context;
  const book = bookOf(context);
  for (const [number, { author, round, misses, body: hex }] of older.deltas.entries()) {
    const body = Uint8Array.from(Buffer.from(hex, 'hex'));
    const claims = [misses, rules.localSteps];
    const entry: LogEntry = {
      ...{ author, round, kind: 0, index: 0, anchor: noHistory, claims, body, bodyBytes: body.length },
      ...{
        bodyRoot: crypto.sha256(body),
        header: new Uint8Array(),
        signature: new Uint8Array(),
        credential: null,
      },
      id: bytesToHex(crypto.sha256(Uint8Array.of(number))),
      content: delta.decode(body, claims),
    };
    book.insert(entry);
  }
  const state = initialState(kinds, frame);
  for (const { round, modelHash, weight, publishers } of older.rounds) {
    foldRound(state, book.places(round), book.digest(round), { kinds, frame, crypto });
    const deltas = deltaStateOf(state);
    assert.equal(deltas.statistics.get(round)!.publishers, publishers);
    assert.equal(state.work, weight);
    assert.equal(bytesToHex(crypto.sha256(encodeFloat32(delta.parameters(deltas)))), modelHash);
  }
});
