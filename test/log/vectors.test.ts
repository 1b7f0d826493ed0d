import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { decodeHeld } from '../../src/content/held-segments.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { DeltaState } from '../../src/entries/delta/delta-state.ts';
import type { NoteState } from '../../src/entries/note/note-kind.ts';
import { encodeEnvelope, openEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { decodeState, encodeState, openSnapshotHeader } from '../../src/log/snapshot.ts';
import {
  decodeChain,
  decodeDigestAnswer,
  decodeHashList,
  decodeRequest,
  encodeChain,
  encodeDigestAnswer,
  encodeHashList,
  encodeRequest,
} from '../../src/log/wire.ts';
import { createSigner } from '../../src/platform/node/crypto.ts';
import { openManifest } from '../../src/run/manifest.ts';
import { formatProtocolVectors, kinds, protocolVectors } from '../vectors/generate-protocol.ts';
import { crypto } from './small-run.ts';

interface Vectors {
  readonly peers: ReadonlyArray<{ readonly seed: string; readonly key: string }>;
  readonly manifest: { readonly runId: string; readonly bytes: string; readonly fields: unknown };
  readonly envelopes: ReadonlyArray<
    Record<'author' | 'body' | 'id' | 'announcement', string> & {
      readonly round: number;
      readonly kind: number;
      readonly index: number;
      readonly anchor: { readonly round: number; readonly root: string; readonly snapshot: string };
      readonly claims: readonly number[];
    }
  >;
  readonly fold: {
    readonly rounds: ReadonlyArray<{ readonly root: string; readonly round: number }>;
    readonly units: readonly number[];
    readonly notes: ReadonlyArray<{ readonly text: string }>;
  };
  readonly snapshot: Record<'blob' | 'blobRoot' | 'header', string>;
  readonly requests: ReadonlyArray<{ readonly name: string; readonly bytes: string }>;
  readonly answers: ReadonlyArray<{ readonly name: string; readonly bytes: string }>;
  readonly held: { readonly segments: number; readonly held: readonly number[]; readonly bits: string };
}

const text = readFileSync(new URL('../vectors/protocol.json', import.meta.url), 'utf8');
const vectors = JSON.parse(text) as Vectors;
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('test vectors of the wire format', () => {
  test('are what their script writes', () => {
    assert.equal(text, formatProtocolVectors(protocolVectors()));
  });

  test('the manifest opens under its id', () => {
    const { runId, bytes, fields } = vectors.manifest;
    assert.deepEqual(openManifest(bytesOf(bytes), crypto, runId).manifest, fields);
  });

  test('envelopes open, and are what their authors seal', () => {
    const context = { runId: vectors.manifest.runId, crypto, bodyBytesMax: [1000, 1000] };
    for (const { author, anchor, body, id, announcement, ...fields } of vectors.envelopes) {
      const opened = openEnvelope(bytesOf(announcement), context);
      assert.ok(opened.ok);
      assert.equal(opened.envelope.id, id);
      const { seed } = vectors.peers.find(({ key }) => key === author)!;
      const root = bytesOf(anchor.root);
      const snapshot = bytesOf(anchor.snapshot);
      const sealed = sealEnvelope(
        { ...fields, anchor: { round: anchor.round, root, snapshot } },
        bytesOf(body),
        context,
        createSigner(bytesOf(seed)),
      );
      assert.equal(bytesToHex(encodeEnvelope(sealed)), announcement);
    }
  });

  test('the snapshot is the state of the fold, and peer 3 vouches for it', () => {
    const state = decodeState(kinds, bytesOf(vectors.snapshot.blob))!;
    assert.deepEqual([...(state.kinds[0] as DeltaState).units], vectors.fold.units);
    assert.deepEqual((state.kinds[1] as NoteState).notes, vectors.fold.notes);
    const last = vectors.fold.rounds.at(-1)!;
    assert.equal(bytesToHex(state.root), last.root);
    assert.equal(bytesToHex(encodeState(kinds, state)), vectors.snapshot.blob);
    const header = openSnapshotHeader(bytesOf(vectors.snapshot.header), vectors.manifest.runId, crypto)!;
    assert.equal(bytesToHex(header.blobRoot), vectors.snapshot.blobRoot);
    assert.equal(header.donor, vectors.peers[2]!.key);
    assert.equal(header.round, last.round);
  });

  test('requests and answers decode, and encode to the same bytes', () => {
    for (const { name, bytes } of vectors.requests) {
      const request = decodeRequest(bytesOf(bytes));
      assert.ok(request, name);
      assert.equal(bytesToHex(encodeRequest(request)), bytes, name);
    }
    for (const { name, bytes } of vectors.answers) {
      const [answer, list] = [decodeDigestAnswer(bytesOf(bytes)), decodeHashList(bytesOf(bytes), 10)];
      const chain = decodeChain(bytesOf(bytes), 10);
      const again =
        (chain && encodeChain(chain)) ?? (list && encodeHashList(list)) ?? encodeDigestAnswer(answer!);
      assert.equal(bytesToHex(again), bytes, name);
    }
    const { segments, held, bits } = vectors.held;
    assert.deepEqual([...decodeHeld(bytesOf(bits), segments)!], held);
  });
});
