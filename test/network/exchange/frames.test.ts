import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  answerHead,
  encodeVarint,
  FrameParser,
  framePieces,
  pieceBytes,
} from '../../../src/network/exchange/frames.ts';

const bounds = { bytesMax: 1 << 20, framesMax: 100 };

test('any frames come back whole, however the bytes are cut', () => {
  const frame = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(3 * pieceBytes).map((n) => new Uint8Array(n).fill(n)),
  );
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }),
      (frames, cuts) => {
        const pieces = [...framePieces(answerHead('ok', frames.length), frames)];
        assert.ok(pieces.every((piece) => piece.length > 0 && piece.length <= pieceBytes));
        const bytes = Buffer.concat(pieces);
        const parser = new FrameParser('answer', { bytesMax: 4 << 20, framesMax: 6 });
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          assert.ok(!parser.done);
          const cut = cuts[turn % cuts.length]!;
          parser.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        assert.ok(parser.done);
        const { status, frames: parsed } = parser.result();
        assert.equal(status, 'ok');
        assert.equal(parsed.length, frames.length);
        assert.ok(parsed.every((part, index) => Buffer.compare(part, frames[index]!) === 0));
      },
    ),
    { numRuns: 60 },
  );
});

test('large frames are sent as they are, and take no memory but for what is told of them', () => {
  const frames = [new Uint8Array(2 * pieceBytes), new Uint8Array(3), new Uint8Array(pieceBytes)];
  const own = frames.map(({ buffer }) => buffer);
  const buffers = new Set([...framePieces(answerHead('ok', 3), frames)].map(({ buffer }) => buffer));
  const taken = [...buffers].filter((buffer) => !own.includes(buffer as ArrayBuffer));
  assert.ok(own[0] && buffers.has(own[0]) && buffers.has(own[2]!));
  assert.ok(taken.reduce((sum, { byteLength }) => sum + byteLength, 0) < 64);
});

test('no bytes make the parser do anything but parse or throw a FrameError', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('request' as const, 'answer' as const),
      fc.uint8Array({ maxLength: 64 }),
      (kind, bytes) => {
        const parser = new FrameParser(kind, { bytesMax: 32, framesMax: 4 });
        try {
          parser.push(bytes);
        } catch (error) {
          assert.equal((error as Error).name, 'FrameError');
          return;
        }
        const total = parser.result().frames.reduce((sum, { length }) => sum + length, 0);
        assert.ok(total <= 32);
      },
    ),
    { numRuns: 2000 },
  );
});

test('varints are unsigned LEB128 in the shortest form below 2^31', () => {
  assert.deepEqual([...encodeVarint(0)], [0]);
  assert.deepEqual([...encodeVarint(300)], [0xac, 0x02]);
  assert.deepEqual([...encodeVarint(0x7fff_ffff)], [0xff, 0xff, 0xff, 0xff, 0x07]);
  for (const wrong of [
    [0x80, 0x00],
    [0xff, 0xff, 0xff, 0xff, 0x08],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  ]) {
    const parser = new FrameParser('request', { bytesMax: 0x7fff_ffff, framesMax: 1 });
    assert.throws(() => parser.push(Uint8Array.from(wrong)), { code: 'FRAME_MALFORMED' }, String(wrong));
  }
});

test('bounds are held before the bytes come', () => {
  const frame = new FrameParser('request', bounds);
  assert.throws(() => frame.push(encodeVarint(bounds.bytesMax + 1)), { code: 'FRAME_TOO_LARGE' });
  const count = new FrameParser('answer', bounds);
  assert.throws(() => count.push(answerHead('ok', bounds.framesMax + 1)), { code: 'FRAME_TOO_LARGE' });
  const exact = new FrameParser('request', bounds);
  exact.push(encodeVarint(bounds.bytesMax));
  assert.ok(!exact.done);
});

test('refusals carry no frames, and nothing may follow the last one', () => {
  for (const status of ['refused', 'busy'] as const) {
    const parser = new FrameParser('answer', bounds);
    parser.push(answerHead(status, 0));
    assert.ok(parser.done);
    assert.equal(parser.result().status, status);
    assert.throws(() => parser.push(Uint8Array.of(0)), { code: 'FRAME_MALFORMED' });
  }
  assert.throws(() => new FrameParser('answer', bounds).push(Uint8Array.of(9)), { code: 'FRAME_MALFORMED' });
});
