import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fromString, toString as toText } from 'uint8arrays';
import { bytesToHex, hexToBytes } from '../../src/core/bytes.ts';

describe('bytes as text', () => {
  const lengths = fc.oneof(fc.constant(32), fc.integer({ min: 0, max: 70 }));
  const someBytes = lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));

  test('is what the library writes, of any length, and comes back', () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        assert.equal(bytesToHex(bytes), toText(bytes, 'hex'));
        assert.deepEqual(hexToBytes(bytesToHex(bytes)), bytes);
      }),
    );
  });

  test('is read or refused as by the library', () => {
    const character = fc.constantFrom(...'0123456789abcdefABCDEFgG/:@` =é');
    const outcome = (read: () => Uint8Array): Uint8Array | string => {
      try {
        return Uint8Array.from(read());
      } catch (error) {
        return (error as Error).message;
      }
    };
    fc.assert(
      fc.property(someBytes, fc.nat(), fc.option(character), (bytes, at, other) => {
        const hex = toText(bytes, 'hex');
        const place = hex.length === 0 ? 0 : at % hex.length;
        const text = other === null ? hex : hex.slice(0, place) + other + hex.slice(place + 1);
        assert.deepEqual(
          outcome(() => hexToBytes(text)),
          outcome(() => fromString(text, 'hex')),
        );
      }),
    );
  });
});
