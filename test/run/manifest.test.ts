import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import {
  ManifestError,
  manifestBytesMax,
  openManifest,
  type RunManifest,
  signManifest,
} from '../../src/run/manifest.ts';
import { crypto, signerOf, smallRun, specOf, startAtMs } from '../log/small-run.ts';

const { signed } = smallRun();
const [payload, signature] = dagCbor.decode(signed.bytes) as [Uint8Array, Uint8Array];

/** The manifest with its fields changed, signed as it then is. */
function resigned(change: (fields: Record<string, unknown>) => void, author = signerOf(0)): Uint8Array {
  const fields = dagCbor.decode(payload) as Record<string, unknown>;
  change(fields);
  const bytes = dagCbor.encode(fields);
  return dagCbor.encode([bytes, author.sign(bytes)]);
}

const refused = (bytes: Uint8Array, message: RegExp, runId?: string): void =>
  assert.throws(
    () => openManifest(bytes, crypto, runId),
    (error) => error instanceof ManifestError && error.code === 'BAD_MANIFEST' && message.test(error.message),
  );

describe('the signed run manifest', () => {
  test('opens as it was signed, with or without the id asked for', () => {
    for (const expected of [undefined, signed.runId]) {
      const opened = openManifest(signed.bytes, crypto, expected);
      assert.deepEqual(opened.manifest, signed.manifest);
      assert.equal(opened.runId, signed.runId);
      assert.equal(opened.bytes, signed.bytes);
    }
    assert.equal(signed.manifest.creator, signerOf(0).key);
  });

  test('names no trainer: what a node starts on its machine, its owner says', () => {
    for (const place of ['', 'model', 'task', 'training']) {
      const named = resigned((fields) => {
        const inner = place === '' ? fields : (fields[place] as Record<string, unknown>);
        inner['trainer'] = 'curl example.org | sh';
      });
      refused(named, /does not fit its schema: .*[Uu]nrecognized key/s);
    }
  });

  test('has another id for another creator and for any other field', () => {
    const { version: _, creator: __, ...fields } = signed.manifest;
    const ids = [
      signed.runId,
      signManifest(fields, crypto, signerOf(1)).runId,
      signManifest({ ...fields, startAtMs: startAtMs + 1 }, crypto, signerOf(0)).runId,
      signManifest({ ...fields, seed: 2 }, crypto, signerOf(0)).runId,
    ];
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(signManifest(fields, crypto, signerOf(0)).runId, signed.runId);
  });

  test('names of members are bounded, printable, unique and of members', () => {
    const [a, b] = [signerOf(1).key, signerOf(2).key];
    const named = (names: Record<string, string>) => (fields: Record<string, unknown>) => {
      fields['membership'] = { kind: 'allow-list', members: [a, b], names };
    };
    const names = { [a]: 'Ward 3', [b]: 'Klinik für Innere Medizin' };
    const { manifest } = openManifest(resigned(named(names)), crypto);
    assert.deepEqual(manifest.membership.kind === 'allow-list' && manifest.membership.names, names);
    for (const name of [
      '',
      'x'.repeat(41),
      '\u001b[2J',
      'a\nb',
      ' a',
      'a ',
      'a  b',
      '\u202eabc',
      'a\u200bb',
      'a\tb',
    ]) {
      refused(resigned(named({ [a]: name })), /expected 1 to 40 printable characters/);
    }
    refused(resigned(named({ [a]: 'Ward', [b]: 'Ward' })), /Ward is what both \w{64} and \w{64} are called/);
    refused(resigned(named({ [signerOf(3).key]: 'Ward' })), /called Ward, is none of the members/);
    refused(resigned(named({ Ward: a })), /Invalid key in record/);
  });

  test('of another run is refused before its signature is looked at', () => {
    const other = signManifest(
      { ...specOf({ rounds: 13 }), startAtMs, initHash: '0'.repeat(64) },
      crypto,
      signerOf(0),
    );
    refused(signed.bytes, /not of/, other.runId);
  });

  test('is refused where the signature is another', () => {
    refused(dagCbor.encode([payload, signerOf(1).sign(payload)]), /signature/);
    refused(dagCbor.encode([payload, signature.slice(1)]), /signature/);
    const flipped = signature.slice();
    flipped[10]! ^= 1;
    refused(dagCbor.encode([payload, flipped]), /signature/);
    // A creator that did not sign.
    refused(
      resigned((fields) => Object.assign(fields, { creator: signerOf(2).key })),
      /signature/,
    );
  });

  test('is refused where it is too large, before it is decoded', () => {
    refused(new Uint8Array(manifestBytesMax + 1), /bytes, more than/);
  });

  test('is refused where a field is missing, unknown or out of range', () => {
    refused(
      resigned((fields) => delete fields['rounds']),
      /schema/,
    );
    refused(
      resigned((fields) => Object.assign(fields, { extra: 1 })),
      /schema/,
    );
    refused(
      resigned((fields) => Object.assign(fields, { slotMs: 49 })),
      /schema/,
    );
    refused(
      resigned((fields) => Object.assign(fields, { version: 1 })),
      /schema/,
    );
    refused(
      resigned((fields) => Object.assign(fields, { initHash: 'xy' })),
      /schema/,
    );
  });

  test('is refused where its fields contradict each other', () => {
    const strategy = signed.manifest.strategy as Extract<RunManifest['strategy'], { id: 'delta-log' }>;
    const impossible = (change: object, message: RegExp): void =>
      refused(
        resigned((fields) => Object.assign(fields, { strategy: { ...strategy, ...change } })),
        message,
      );
    impossible({ admitRounds: 6, windowRounds: 6 }, /admitRounds/);
    impossible({ codec: { id: 'sparse-sign', chunk: 64, perChunk: 65 } }, /perChunk/);
    const numeric = [{ column: 'x', mean: 0, scale: 1 }];
    const table = { kind: 'table', header: ['y', 'z'], numeric, label: { column: 'y' }, heldOutEvery: 5 };
    refused(
      resigned((fields) => Object.assign(fields, { task: table })),
      /must name the column 'x'/,
    );
  });

  test('is refused where its encoding is not canonical', () => {
    refused(Uint8Array.of(...signed.bytes, 0), /canonical/);
    refused(signed.bytes.subarray(0, -1), /canonical/);
    refused(new Uint8Array(0), /canonical/);
    refused(dagCbor.encode([payload]), /not a run manifest/);
    refused(dagCbor.encode({ payload, signature }), /not a run manifest/);
    // The same fields with the number 4 as a float: the library's decoder lets it through, the id would differ.
    const at = Buffer.from(payload).indexOf(Buffer.from('\x67version\x04', 'latin1'));
    assert.ok(at > 0);
    const float = Buffer.from('fb4010000000000000', 'hex');
    const other = Buffer.concat([payload.subarray(0, at + 8), float, payload.subarray(at + 9)]);
    assert.deepEqual(dagCbor.decode(other), dagCbor.decode(payload));
    refused(dagCbor.encode([other, signerOf(0).sign(other)]), /canonical/);
  });

  test('never opens with a byte changed, added or gone', () => {
    const { bytes } = signed;
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const mutated = bytes.slice();
        mutated[at]! ^= mask;
        assert.throws(() => openManifest(mutated, crypto, signed.runId), ManifestError);
        assert.throws(() => openManifest(mutated, crypto), ManifestError);
      }),
      { numRuns: 150 },
    );
  });

  test('random bytes are refused with the one error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.throws(() => openManifest(bytes, crypto), ManifestError);
      }),
    );
  });
});
