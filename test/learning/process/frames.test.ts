import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, FrameReader } from '../../../src/learning/process/frames.ts';

const head = (bytes: number): Uint8Array => {
  const frame = new Uint8Array(4);
  new DataView(frame.buffer).setUint32(0, bytes);
  return frame;
};

describe('frames of a trainer', () => {
  test('come out as they went in, however the stream is cut', () => {
    const messages = fc.array(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean())), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(messages, fc.integer({ min: 1, max: 40 }), (sent, cut) => {
        const stream = Buffer.concat(sent.map((message) => encodeFrame({ ...message })));
        const reader = new FrameReader();
        const heard: unknown[] = [];
        for (let at = 0; at < stream.length; at += cut)
          heard.push(...reader.take(stream.subarray(at, at + cut)));
        assert.deepEqual(
          heard,
          sent.map((message) => ({ ...message })),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('are refused by their length, before their bytes are there', () => {
    assert.deepEqual(new FrameReader().take(head(1 << 20)), []);
    assert.throws(() => new FrameReader().take(head((1 << 20) + 1)), {
      code: 'BAD_TRAINER',
      message: /1048577 bytes/,
    });
    assert.throws(() => encodeFrame({ text: 'x'.repeat(1 << 20) }), RangeError);
  });

  test('hold canonical CBOR and nothing else', () => {
    // Not a map's shortest head; a whole number as a float; half of a float; nothing; text without a head.
    for (const hex of ['b800', 'a16161fb3ff0000000000000', 'a16161f93c00', '', '78']) {
      const body = Buffer.from(hex, 'hex');
      assert.throws(
        () => new FrameReader().take(Buffer.concat([head(body.length), body])),
        { code: 'BAD_TRAINER', message: /no canonical CBOR/ },
        hex,
      );
    }
  });
});
