/** The test vectors of audits are what their script writes, and end as PROTOCOL.md says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { AuditState } from '../../src/entries/audit/audit-state.ts';
import { openEnvelope } from '../../src/log/envelope.ts';
import { decodeState, encodeState } from '../../src/log/snapshot.ts';
import { openManifest } from '../../src/run/manifest.ts';
import { auditedKinds, auditVectors } from '../vectors/generate-audits.ts';
import { formatProtocolVectors } from '../vectors/generate-protocol.ts';
import { crypto } from './small-run.ts';

interface Vectors {
  readonly peers: ReadonlyArray<{ readonly key: string }>;
  readonly manifest: { readonly runId: string; readonly bytes: string };
  readonly entries: ReadonlyArray<{ readonly id: string; readonly announcement: string }>;
  readonly fold: ReadonlyArray<{
    readonly root: string;
    readonly open: ReadonlyArray<{ readonly stage: number; readonly auditors: readonly string[] }>;
    readonly convicted: ReadonlyArray<{ readonly author: string; readonly undoneFrom: number }>;
    readonly hiding: ReadonlyArray<{ readonly author: string }>;
    readonly marks: ReadonlyArray<{ readonly author: string; readonly overruled: number }>;
  }>;
  readonly snapshot: Record<'blob' | 'blobRoot', string>;
}

const text = readFileSync(new URL('../vectors/audits.json', import.meta.url), 'utf8');
const vectors = JSON.parse(text) as Vectors;
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const keyOf = (peer: number): string => vectors.peers[peer - 1]!.key;

describe('test vectors of audits', () => {
  test('are what their script writes', () => {
    assert.equal(text, formatProtocolVectors(auditVectors()));
  });

  test('manifest and envelopes open under their ids', () => {
    const { runId, bytes } = vectors.manifest;
    assert.ok(openManifest(bytesOf(bytes), crypto, runId));
    const bodyBytesMax = auditedKinds.map((kind) => kind.bodyBytesMax);
    for (const { id, announcement } of vectors.entries) {
      const opened = openEnvelope(bytesOf(announcement), { runId, crypto, bodyBytesMax });
      assert.ok(opened.ok && opened.envelope.id === id);
    }
  });

  test('all stages of an audit are in them; who cheats and who shows nothing is convicted, who covers others is overruled, who is reached by nobody hides', () => {
    const seen = new Set(vectors.fold.flatMap(({ open }) => open.map(({ stage }) => stage)));
    assert.deepEqual([...seen].sort(), [0, 1, 2]);
    const { convicted, marks, hiding } = vectors.fold.at(-1)!;
    assert.ok(hiding.some(({ author }) => author === keyOf(7)));
    assert.deepEqual(convicted.map(({ author }) => author).sort(), [keyOf(2), keyOf(6)].sort());
    assert.deepEqual(
      marks.filter(({ overruled }) => overruled > 0).map(({ author }) => author),
      [keyOf(5)],
    );
  });

  test('the snapshot is the state of the fold', () => {
    const state = decodeState(auditedKinds, bytesOf(vectors.snapshot.blob))!;
    assert.equal(bytesToHex(state.root), vectors.fold.at(-1)!.root);
    assert.equal(bytesToHex(encodeState(auditedKinds, state)), vectors.snapshot.blob);
    const audits = state.kinds[auditedKinds.findIndex(({ id }) => id === 'audit')] as AuditState;
    assert.deepEqual([...audits.convicted.keys()].sort(), [keyOf(2), keyOf(6)].sort());
  });
});
