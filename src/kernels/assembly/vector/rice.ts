/**
 * Rice codes of the gaps between ascending indices, each followed by its sign, in a stream of bits with the most
 * significant bit of each byte first. Where the stream stands is kept in memory from one call to the next.
 */

/** The writer's state: address of the next byte (uint32), bits that wait for it (uint32, < 8), those bits (uint64). */
const WAITING: usize = 4;
const PENDING: usize = 8;

/** The longest code that goes out in one piece: up to seven bits wait already. */
const PIECE_BITS: u32 = 56;

/** Appends the low `bits` bits (1 to 56) of a value below 2^bits: eight bytes are stored and the whole ones counted. */
function put(state: usize, value: u64, bits: u32): void {
  const at = <usize>load<u32>(state);
  const waiting = load<u32>(state, WAITING) + bits;
  const pending = (load<u64>(state, PENDING) << bits) | value;
  store<u64>(at, bswap<u64>(pending << (64 - waiting)));
  store<u32>(state, <u32>at + (waiting >>> 3));
  store<u32>(state, waiting & 7, WAITING);
  store<u64>(state, pending, PENDING);
}

/**
 * Appends `count` indices (uint32) of the coordinates [start, end) with their signs (int8). Returns -1, or the number
 * of the first index that is out of order or outside.
 */
export function riceEncode(
  state: usize,
  indices: usize,
  signs: usize,
  count: i32,
  start: u32,
  end: u32,
  riceBits: u32,
): i32 {
  const stop: u64 = (<u64>1) << riceBits;
  let previous = <i64>start - 1;
  for (let i: i32 = 0; i < count; i++) {
    const index = load<u32>(indices + ((<usize>i) << 2));
    const gap = <i64>index - previous - 1;
    if (gap < 0 || index >= end) {
      return i;
    }
    const negative = <u64>load<u8>(signs + <usize>i) >>> 7;
    // The one bit that ends the quotient, the remainder and the sign in one go.
    const tail = ((stop | (<u64>gap & (stop - 1))) << 1) | negative;
    const tailBits = riceBits + 2;
    let zeros = <u32>(<u64>gap >>> riceBits);
    while (zeros + tailBits > PIECE_BITS) {
      const piece = min(zeros, PIECE_BITS);
      put(state, 0, piece);
      zeros -= piece;
    }
    put(state, tail, zeros + tailBits);
    previous = <i64>index;
  }
  return -1;
}

const READ: i32 = 0;
const GAP_TOO_LONG: i32 = 1;
const OUT_OF_BITS: i32 = 2;

/** The bits from `position` on, the next one first; 57 or more of them, then zeros. */
function peek(bytes: usize, position: u32): u64 {
  return bswap<u64>(load<u64>(bytes + <usize>(position >>> 3))) << (<u64>(position & 7));
}

const PEEKED_BITS: u32 = 57;

/**
 * Reads `count` indices of the coordinates [start, end) and their signs. The stream begins at `bytes`; the position
 * (uint32 at `state`, in bits) moves on. Eight readable bytes follow the one that holds bit bitsEnd - 1.
 * Returns 0, 1 where a gap leaves no room for the indices that must follow, or 2 where the bits run out.
 */
export function riceDecode(
  state: usize,
  bytes: usize,
  bitsEnd: u32,
  indices: usize,
  signs: usize,
  count: i32,
  start: u32,
  end: u32,
  riceBits: u32,
): i32 {
  let position = load<u32>(state);
  // The place after the index before; the indices left over must fit in the coordinates from there on.
  let next = start;
  for (let i: i32 = 0; i < count; i++) {
    const gapMax = end - <u32>(count - i) - next;
    const zerosMax = gapMax >>> riceBits;
    let word = peek(bytes, position);
    let zeros = <u32>clz(word);
    if (zeros >= PEEKED_BITS) {
      zeros = 0;
      do {
        zeros += PIECE_BITS;
        position += PIECE_BITS;
        if (zeros > zerosMax) return GAP_TOO_LONG;
        if (position >= bitsEnd) return OUT_OF_BITS;
        word = peek(bytes, position);
      } while (<u32>clz(word) >= PEEKED_BITS);
      const more = <u32>clz(word);
      zeros += more;
      position += more + 1;
    } else {
      position += zeros + 1;
    }
    if (zeros > zerosMax) return GAP_TOO_LONG;
    const rest = <u32>(peek(bytes, position) >>> <u64>(63 - riceBits));
    position += riceBits + 1;
    if (position > bitsEnd) return OUT_OF_BITS;
    const gap = (zeros << riceBits) | (rest >>> 1);
    if (gap > gapMax) return GAP_TOO_LONG;
    store<u32>(indices + ((<usize>i) << 2), next + gap);
    store<i8>(signs + <usize>i, <i8>(1 - 2 * <i32>(rest & 1)));
    next += gap + 1;
  }
  store<u32>(state, position);
  return READ;
}
