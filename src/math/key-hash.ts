/**
 * MurmurHash3 x86_128 (Austin Appleby, 2011, public domain) in 32-bit integer arithmetic: turns the name of a
 * random stream into the 128 bits that select it. Not cryptographic; nothing secret or adversarial rests on it.
 */

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/** The 128-bit hash of `data` as four words. The bytes of the reference are these words in little-endian order. */
export function murmur3x86x128(data: Uint8Array, seed = 0): readonly [number, number, number, number] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const bodyBytes = data.length & ~15;
  let [h1, h2, h3, h4] = [seed | 0, seed | 0, seed | 0, seed | 0];

  for (let at = 0; at < bodyBytes; at += 16) {
    h1 ^= mix(view.getInt32(at, true), C1, 15, C2);
    h1 = (Math.imul((rotateLeft(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    h2 ^= mix(view.getInt32(at + 4, true), C2, 16, C3);
    h2 = (Math.imul((rotateLeft(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    h3 ^= mix(view.getInt32(at + 8, true), C3, 17, C4);
    h3 = (Math.imul((rotateLeft(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    h4 ^= mix(view.getInt32(at + 12, true), C4, 18, C1);
    h4 = (Math.imul((rotateLeft(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }

  // The reference's tail switch, with the missing bytes as zeros: mixing a zero word changes nothing.
  const tail = new DataView(new ArrayBuffer(16));
  for (let at = bodyBytes; at < data.length; at++) {
    tail.setUint8(at - bodyBytes, data[at]!);
  }
  h4 ^= mix(tail.getInt32(12, true), C4, 18, C1);
  h3 ^= mix(tail.getInt32(8, true), C3, 17, C4);
  h2 ^= mix(tail.getInt32(4, true), C2, 16, C3);
  h1 ^= mix(tail.getInt32(0, true), C1, 15, C2);

  [h1, h2, h3, h4] = spread(h1 ^ data.length, h2 ^ data.length, h3 ^ data.length, h4 ^ data.length);
  [h1, h2, h3, h4] = spread(avalanche(h1), avalanche(h2), avalanche(h3), avalanche(h4));
  return [h1 >>> 0, h2 >>> 0, h3 >>> 0, h4 >>> 0];
}

function mix(word: number, multiplyFirst: number, rotation: number, multiplyLast: number): number {
  return Math.imul(rotateLeft(Math.imul(word, multiplyFirst), rotation), multiplyLast);
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function spread(h1: number, h2: number, h3: number, h4: number): [number, number, number, number] {
  const sum = (h1 + h2 + h3 + h4) | 0;
  return [sum, (h2 + sum) | 0, (h3 + sum) | 0, (h4 + sum) | 0];
}

function avalanche(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
