import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { blobRoot } from '../../src/content/blob.ts';
import { keyToBytes } from '../../src/core/bytes.ts';
import {
  type EnvelopeContext,
  encodeEnvelope,
  encodeStoredEnvelope,
  inlineBodyBytesMax,
  openEnvelope,
  sealEnvelope,
} from '../../src/log/envelope.ts';
import { crypto, signerOf } from './small-run.ts';

const context: EnvelopeContext = { runId: 'run-a', crypto, bodyBytesMax: [60_000] };
const author = signerOf(1);
const body = Uint8Array.of(1, 2, 3, 4);
const anchor = { round: 3, root: new Uint8Array(32).fill(9), snapshot: new Uint8Array(32).fill(8) };
const fields = { round: 7, kind: 0, index: 0, anchor, claims: [2, 30] };
const envelope = sealEnvelope(fields, body, context, author);

function reasonOf(bytes: Uint8Array, from = context): string {
  const opened = openEnvelope(bytes, from);
  return opened.ok ? 'ok' : opened.reason;
}

/** A header of the caller's making, rightly signed. */
function sealed(fields: readonly unknown[], attached: Uint8Array | null = body): Uint8Array {
  const header = dagCbor.encode(fields);
  return dagCbor.encode([header, author.sign(header), attached]);
}
const fieldsOf = (change: Record<number, unknown> = {}): unknown[] => {
  const header: unknown[] = [
    ...[2, 'run-a', keyToBytes(author.key), 7, 0, 0],
    ...[[3, anchor.root, anchor.snapshot], [2, 30], blobRoot(crypto, body), body.length],
  ];
  for (const [at, value] of Object.entries(change)) header[Number(at)] = value;
  return header;
};

describe('the envelope', () => {
  test('opens as it was sealed', () => {
    const opened = openEnvelope(encodeEnvelope(envelope), context);
    assert.ok(opened.ok);
    assert.deepEqual(opened.envelope, { ...envelope, header: new Uint8Array(envelope.header) });
    assert.equal(reasonOf(sealed(fieldsOf())), 'ok');
  });

  test('leaves a large body out of the announcement and keeps it in the store', () => {
    const large = new Uint8Array(inlineBodyBytesMax + 1).fill(3);
    const big = sealEnvelope({ ...fields, round: 4 }, large, context, author);
    const announced = openEnvelope(encodeEnvelope(big), context);
    const stored = openEnvelope(encodeStoredEnvelope(big), context);
    assert.ok(announced.ok && stored.ok);
    assert.equal(announced.envelope.body, null);
    assert.deepEqual(stored.envelope.body, large);
    assert.equal(announced.envelope.id, stored.envelope.id);
    assert.ok(encodeEnvelope(big).length < 400);
  });

  test('has an id that names run, place, anchor, claims and body, and nothing else', () => {
    const ids = [
      envelope,
      sealEnvelope({ ...fields, round: 8 }, body, context, author),
      sealEnvelope({ ...fields, kind: 1 }, body, context, author),
      sealEnvelope({ ...fields, index: 1 }, body, context, author),
      sealEnvelope({ ...fields, anchor: { ...anchor, round: 4 } }, body, context, author),
      sealEnvelope({ ...fields, anchor: { ...anchor, snapshot: anchor.root } }, body, context, author),
      sealEnvelope({ ...fields, anchor: null }, body, context, author),
      sealEnvelope({ ...fields, claims: [3, 30] }, body, context, author),
      sealEnvelope(fields, Uint8Array.of(1, 2, 3), context, author),
      sealEnvelope(fields, body, { ...context, runId: 'run-b' }, author),
      sealEnvelope(fields, body, context, signerOf(2)),
    ].map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(sealEnvelope(fields, body, context, author).id, ids[0]);
  });

  test('is refused for the right reason', () => {
    const outer = dagCbor.decode(encodeEnvelope(envelope)) as [Uint8Array, Uint8Array, Uint8Array];
    const [header, signature] = outer;
    const cases: ReadonlyArray<readonly [string, Uint8Array]> = [
      ['malformed', new Uint8Array(0)],
      ['malformed', dagCbor.encode([header, signature])],
      ['malformed', dagCbor.encode([header, signature, 'text'])],
      ['malformed', dagCbor.encode(['text', signature, null])],
      ['malformed', Uint8Array.of(...encodeEnvelope(envelope), 0)],
      ['malformed', sealed(fieldsOf({ 0: 1 }))],
      ['malformed', sealed(fieldsOf({ 2: new Uint8Array(31) }))],
      ['malformed', sealed(fieldsOf({ 3: -1 }))],
      ['malformed', sealed(fieldsOf({ 3: 1.5 }))],
      ['malformed', sealed(fieldsOf({ 4: 16 }))],
      ['malformed', sealed(fieldsOf({ 5: 256 }))],
      ['malformed', sealed(fieldsOf({ 6: [7, anchor.root] }))],
      ['malformed', sealed(fieldsOf({ 6: [3, new Uint8Array(31)] }))],
      ['malformed', sealed(fieldsOf({ 6: [3] }))],
      ['malformed', sealed(fieldsOf({ 7: [-1] }))],
      ['malformed', sealed(fieldsOf({ 7: ['text'] }))],
      ['malformed', sealed(fieldsOf({ 7: new Array(9).fill(0) }))],
      ['unknown-kind', sealed(fieldsOf({ 4: 1 }))],
      ['malformed', sealed([...fieldsOf(), 0])],
      ['bad-signature', dagCbor.encode([header, signature.slice(1), body])],
      ['bad-signature', dagCbor.encode([header, signerOf(2).sign(header), body])],
      ['bad-signature', sealed(fieldsOf({ 2: keyToBytes(signerOf(2).key) }))],
      ['wrong-run', sealed(fieldsOf({ 1: 'run-b' }))],
      ['oversized', sealed(fieldsOf({ 9: 60_001 }), null)],
      ['bad-body', sealed(fieldsOf({ 9: 5 }))],
      ['bad-body', sealed(fieldsOf(), Uint8Array.of(1, 2, 3, 5))],
      ['bad-body', sealed(fieldsOf({ 8: new Uint8Array(32) }))],
    ];
    for (const [reason, bytes] of cases)
      assert.equal(reasonOf(bytes), reason, Buffer.from(bytes).toString('hex'));
  });

  test('is refused where its header is not canonical, although signed', () => {
    const canonical = dagCbor.encode(fieldsOf());
    // The round 7 as a float of 64 bits.
    const at = 1 + 1 + 6 + 34;
    assert.equal(canonical[at], 7);
    const float = Buffer.from('fb401c000000000000', 'hex');
    const header = Buffer.concat([canonical.subarray(0, at), float, canonical.subarray(at + 1)]);
    assert.deepEqual(dagCbor.decode(header), dagCbor.decode(canonical));
    assert.equal(reasonOf(dagCbor.encode([header, author.sign(header), body])), 'malformed');
  });

  test('never opens as another message with a byte changed, and never throws', () => {
    const bytes = encodeEnvelope(envelope);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const mutated = bytes.slice();
        mutated[at]! ^= mask;
        assert.notEqual(reasonOf(mutated), 'ok');
      }),
      { numRuns: 400 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (random) => reasonOf(random) !== 'ok'));
  });

  test('survives nesting that exhausts the stack of a decoder', () => {
    assert.equal(reasonOf(new Uint8Array(1 << 20).fill(0x81)), 'malformed');
  });
});
