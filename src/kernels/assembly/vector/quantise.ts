/**
 * Codes of few bits with one float32 scale for a block, and their packing. Codes lie one a byte between the passes.
 * Buffers have room for a block of zeros after their end. Divisions and products are float32, rounded after each
 * operation; sums are float64 in eight lanes (element i to lane i mod 8).
 */
import { addMagnitudes, addSquares } from './dense.ts';

/** Largest magnitude of n float32; what follows them is zero. */
function largest(x: usize, n: i32): f32 {
  let most = f32x4.splat(0);
  const end = x + ((<usize>n) << 2);
  while (x < end) {
    most = f32x4.max(most, f32x4.abs(v128.load(x)));
    x += 16;
  }
  return max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
}

function level(x: usize, scale: v128, limit: v128): v128 {
  const ratio = f32x4.nearest(f32x4.div(v128.load(x), scale));
  return i32x4.trunc_sat_f32x4_s(f32x4.max(f32x4.neg(limit), f32x4.min(limit, ratio)));
}

/**
 * Even steps: scale = largest |x| / levels, code = x / scale rounded half to even, within +-levels; all 0 where the
 * scale is 0. Writes n int8 codes; returns the scale.
 */
export function evenCodes(codes: usize, x: usize, n: i32, levels: f32): f32 {
  memory.fill(x + ((<usize>n) << 2), 0, 64);
  const scale = largest(x, n) / levels;
  if (scale === 0) {
    memory.fill(codes, 0, n);
    return 0;
  }
  const step = f32x4.splat(scale);
  const limit = f32x4.splat(levels);
  const end = x + ((<usize>n) << 2);
  while (x < end) {
    v128.store(
      codes,
      i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(level(x, step, limit), level(x + 16, step, limit)),
        i16x8.narrow_i32x4_s(level(x + 32, step, limit), level(x + 48, step, limit)),
      ),
    );
    x += 64;
    codes += 16;
  }
  return scale;
}

/** ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)) of eight float64. */
function total(lanes: usize): f64 {
  return (
    load<f64>(lanes) +
    load<f64>(lanes, 8) +
    (load<f64>(lanes, 16) + load<f64>(lanes, 24)) +
    (load<f64>(lanes, 32) + load<f64>(lanes, 40) + (load<f64>(lanes, 48) + load<f64>(lanes, 56)))
  );
}

/** 1 in each 32-bit lane whose float is below zero. */
function negatives(x: usize): v128 {
  return i32x4.shr_u(f32x4.lt(v128.load(x), f32x4.splat(0)), 31);
}

function pairCode(x: usize, threshold: v128): v128 {
  const large = i32x4.shr_u(f32x4.ge(f32x4.abs(v128.load(x)), threshold), 31);
  return v128.or(large, i32x4.shl(negatives(x), 1));
}

/** Signs: code 1 below zero, else 0; scale = mean |x|. Eight float64 of scratch at `lanes`. */
export function signCodes(codes: usize, x: usize, n: i32, lanes: usize): f32 {
  memory.fill(x + ((<usize>n) << 2), 0, 64);
  memory.fill(lanes, 0, 64);
  addMagnitudes(lanes, x, n);
  const scale = <f32>(total(lanes) / <f64>n);
  const end = x + ((<usize>n) << 2);
  while (x < end) {
    v128.store(
      codes,
      i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(negatives(x), negatives(x + 16)),
        i16x8.narrow_i32x4_s(negatives(x + 32), negatives(x + 48)),
      ),
    );
    x += 64;
    codes += 16;
  }
  return scale;
}

/** Two bits: 1 where |x| >= threshold times the scale, plus 2 below zero; scale = root of the mean square. */
export function pairCodes(codes: usize, x: usize, n: i32, threshold: f32, lanes: usize): f32 {
  memory.fill(x + ((<usize>n) << 2), 0, 64);
  memory.fill(lanes, 0, 64);
  addSquares(lanes, x, n);
  const scale = <f32>sqrt(total(lanes) / <f64>n);
  const least = f32x4.splat(threshold * scale);
  const end = x + ((<usize>n) << 2);
  while (x < end) {
    v128.store(
      codes,
      i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(pairCode(x, least), pairCode(x + 16, least)),
        i16x8.narrow_i32x4_s(pairCode(x + 32, least), pairCode(x + 48, least)),
      ),
    );
    x += 64;
    codes += 16;
  }
  return scale;
}

/** y += factor * code over n int8 codes. */
export function addEven(y: usize, codes: usize, n: i32, factor: f32): void {
  const step = f32x4.splat(factor);
  const end = y + ((<usize>n) << 2);
  while (y < end) {
    const four = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(codes)));
    v128.store(y, f32x4.add(v128.load(y), f32x4.mul(step, f32x4.convert_i32x4_s(four))));
    y += 16;
    codes += 4;
  }
}

/** y += table[code] over n codes; the table holds 16 bytes, the little-endian float32 of each of four codes. */
export function addLevels(y: usize, codes: usize, n: i32, table: usize): void {
  const levels = v128.load(table);
  const bytesOf = i32x4.splat(0x03020100);
  const spread = i32x4.splat(0x04040404);
  const end = y + ((<usize>n) << 2);
  while (y < end) {
    const four = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(codes)));
    const places = i32x4.add(i32x4.mul(four, spread), bytesOf);
    v128.store(y, f32x4.add(v128.load(y), i8x16.swizzle(levels, places)));
    y += 16;
    codes += 4;
  }
}

/** The low half of each byte of 16, the even ones lowest: eight bytes in the low half of the result. */
function packPairs(codes: v128, bits: i32): v128 {
  const both = v128.and(v128.or(codes, i16x8.shr_u(codes, 8 - bits)), i16x8.splat(0xff));
  return i8x16.narrow_i16x8_u(both, both);
}

/** Low four bits of each code: element 2j in the low half of byte j. n / 2 bytes, rounded up to eight. */
export function pack4(packed: usize, codes: usize, n: i32): void {
  memory.fill(codes + <usize>n, 0, 16);
  const end = codes + <usize>n;
  const nibble = i8x16.splat(15);
  while (codes < end) {
    v128.store64_lane(packed, packPairs(v128.and(v128.load(codes), nibble), 4), 0);
    codes += 16;
    packed += 8;
  }
}

/** Codes 0 to 3, element 4j in the lowest bits of byte j. n / 4 bytes, rounded up to four. */
export function pack2(packed: usize, codes: usize, n: i32): void {
  memory.fill(codes + <usize>n, 0, 16);
  const end = codes + <usize>n;
  while (codes < end) {
    v128.store32_lane(packed, packPairs(packPairs(v128.load(codes), 2), 4), 0);
    codes += 16;
    packed += 4;
  }
}

/** Codes 0 and 1, element 8j in the lowest bit of byte j. n / 8 bytes, rounded up to two. */
export function pack1(packed: usize, codes: usize, n: i32): void {
  memory.fill(codes + <usize>n, 0, 16);
  const end = codes + <usize>n;
  while (codes < end) {
    store<u16>(packed, <u16>i8x16.bitmask(i8x16.shl(v128.load(codes), 7)));
    codes += 16;
    packed += 2;
  }
}

/** What pack4 packed, with its sign: n int8, rounded up to 16. */
export function unpack4(codes: usize, packed: usize, n: i32): void {
  const end = codes + <usize>n;
  while (codes < end) {
    const pairs = i16x8.extend_low_i8x16_u(v128.load64_zero(packed));
    const apart = v128.or(v128.and(pairs, i16x8.splat(15)), i16x8.shl(i16x8.shr_u(pairs, 4), 8));
    v128.store(codes, i8x16.shr_s(i8x16.shl(apart, 4), 4));
    codes += 16;
    packed += 8;
  }
}

/** What pack2 packed: n codes, rounded up to 16. */
export function unpack2(codes: usize, packed: usize, n: i32): void {
  const end = codes + <usize>n;
  while (codes < end) {
    const fours = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(packed)));
    // Bit pairs to bytes: 4 + 4 bits to the halves, then 2 + 2 bits to the bytes.
    const halves = v128.and(v128.or(fours, i32x4.shl(fours, 12)), i32x4.splat(0x000f000f));
    v128.store(codes, v128.and(v128.or(halves, i32x4.shl(halves, 6)), i32x4.splat(0x03030303)));
    codes += 16;
    packed += 4;
  }
}

/** What pack1 packed: n codes, rounded up to 16. */
export function unpack1(codes: usize, packed: usize, n: i32): void {
  const end = codes + <usize>n;
  const bit = v128.and(i64x2.splat(0x8040201008040201), i8x16.splat(-1));
  while (codes < end) {
    const two = i16x8.splat(load<i16>(packed));
    const spread = i8x16.swizzle(two, i64x2(0, 0x0101010101010101));
    v128.store(codes, i8x16.shr_u(i8x16.eq(v128.and(spread, bit), bit), 7));
    codes += 16;
    packed += 2;
  }
}
