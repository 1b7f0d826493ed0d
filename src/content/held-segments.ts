/** Which segments of a blob a peer says that it has, as bits: segment i is bit i % 8, from the least significant one, of byte i / 8. */

/** `held`: indexes below `segments`. */
export function encodeHeld(held: Iterable<number>, segments: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(segments / 8));
  for (const index of held) bits[index >> 3]! |= 1 << (index & 7);
  return bits;
}

/** The bits of whoever has all of it. */
export function allHeld(segments: number): Uint8Array {
  return encodeHeld(Array(segments).keys(), segments);
}

/** Null for bits of another number of segments. */
export function decodeHeld(bits: Uint8Array, segments: number): ReadonlySet<number> | null {
  if (bits.length !== Math.ceil(segments / 8)) return null;
  const held = new Set<number>();
  for (let index = 0; index < 8 * bits.length; index++) {
    if ((bits[index >> 3]! & (1 << (index & 7))) === 0) continue;
    if (index >= segments) return null;
    held.add(index);
  }
  return held;
}
