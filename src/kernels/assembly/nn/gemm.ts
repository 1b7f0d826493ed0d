/**
 * C = op(A) op(B) in float32 for operands of any strides, after Goto and van de Geijn, "Anatomy of high-performance
 * matrix multiplication", 2008: blocks of both operands are copied into panels in the order in which a small kernel
 * reads them, whose sums stay in registers. 16 vector registers hold a tile of 5 x 8 sums beside the operands, 6 x 8
 * where a fused multiply-add needs no register for the product.
 *
 * Every element of C is summed over k in ascending order within blocks of `kBlock`, and block after block, whatever
 * the shape: the same row times the same column has the same bits in any product.
 */

import { bytesOf, multiplyAdd } from './lanes.ts';

/** Rows of a tile. */
export const tileRows: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;
/** Columns of a tile: two vectors. */
const tileColumns: i32 = 8;
/** Depth of a block: a panel of B (8 KiB) and one of A stay in the first-level cache. */
const kBlock: i32 = 256;
/** Rows of A packed at a time: stay in the second-level cache. */
const rowBlock: i32 = tileRows * 20;
/** Columns of B packed at a time: 1 MiB, which the second-level cache of today's machines holds. */
const columnBlock: i32 = 1024;

/** Bytes of scratch memory that `gemm` needs. */
export function gemmScratchBytes(): i32 {
  return (kBlock * columnBlock + rowBlock * kBlock + tileRows * tileColumns) << 2;
}

/**
 * `rows` x `columns` elements of C (row-major, `rowStepC` apart), summed over `depth`. Element (i, k) of A lies
 * i * rowStepA + k * columnStepA floats behind `a`, element (k, j) of B k * rowStepB + j * columnStepB behind `b`.
 * Adds to C where `accumulate` is not 0. `scratch` is aligned to 16 bytes.
 */
export function gemm(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  rowStepA: i32,
  columnStepA: i32,
  b: usize,
  rowStepB: i32,
  columnStepB: i32,
  c: usize,
  rowStepC: i32,
  accumulate: i32,
  scratch: usize,
): void {
  if (depth === 0) {
    if (accumulate === 0) clear(c, rows, columns, rowStepC);
    return;
  }
  const packedA = scratch + bytesOf(kBlock * columnBlock);
  for (let j0 = 0; j0 < columns; j0 += columnBlock) {
    const wide = min(columnBlock, columns - j0);
    for (let k0 = 0; k0 < depth; k0 += kBlock) {
      const deep = min(kBlock, depth - k0);
      const add = accumulate !== 0 || k0 > 0;
      packColumns(wide, deep, b + bytesOf(k0 * rowStepB + j0 * columnStepB), rowStepB, columnStepB, scratch);
      for (let i0 = 0; i0 < rows; i0 += rowBlock) {
        const high = min(rowBlock, rows - i0);
        packRows(high, deep, a + bytesOf(i0 * rowStepA + k0 * columnStepA), rowStepA, columnStepA, packedA);
        multiplyPanels(high, wide, deep, packedA, scratch, c + bytesOf(i0 * rowStepC + j0), rowStepC, add);
      }
    }
  }
}

/** All tiles of the product of packed panels. Behind the panels of A lies room for one tile. */
function multiplyPanels(
  rows: i32,
  columns: i32,
  deep: i32,
  packedA: usize,
  packedB: usize,
  c: usize,
  rowStepC: i32,
  add: bool,
): void {
  const tile = packedA + bytesOf(rowBlock * kBlock);
  for (let j = 0; j < columns; j += tileColumns) {
    const panelB = packedB + bytesOf(j * deep);
    const wide = min(tileColumns, columns - j);
    for (let i = 0; i < rows; i += tileRows) {
      const panelA = packedA + bytesOf(i * deep);
      const target = c + bytesOf(i * rowStepC + j);
      const tall = min(tileRows, rows - i);
      if (tall === tileRows && wide === tileColumns) {
        multiplyTile(deep, panelA, panelB, target, rowStepC, add);
      } else {
        multiplyTile(deep, panelA, panelB, tile, tileColumns, false);
        copyTile(tile, target, tall, wide, rowStepC, add);
      }
    }
  }
}

function clear(c: usize, rows: i32, columns: i32, rowStep: i32): void {
  for (let i = 0; i < rows; i++) memory.fill(c + bytesOf(i * rowStep), 0, bytesOf(columns));
}

/** Panels of `tileColumns` columns, each k after k; what lies beyond the last column is 0. */
function packColumns(columns: i32, deep: i32, b: usize, rowStep: i32, columnStep: i32, to: usize): void {
  const down = bytesOf(rowStep);
  for (let j = 0; j < columns; j += tileColumns) {
    const wide = min(tileColumns, columns - j);
    let from = b + bytesOf(j * columnStep);
    if (wide === tileColumns && columnStep === 1) {
      for (let k = 0; k < deep; k++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        to += 32;
        from += down;
      }
    } else if (wide === tileColumns && rowStep === 1) {
      to = packTransposed8(deep, from, bytesOf(columnStep), to);
    } else {
      for (let k = 0; k < deep; k++) {
        v128.store(to, f32x4.splat(0));
        v128.store(to, f32x4.splat(0), 16);
        for (let x = 0; x < wide; x++) store<f32>(to + bytesOf(x), load<f32>(from + bytesOf(x * columnStep)));
        to += 32;
        from += down;
      }
    }
  }
}

/** Eight columns that lie one after the other in memory, four k at a time by transposing 4 x 4 blocks in registers. */
function packTransposed8(deep: i32, from: usize, across: usize, to: usize): usize {
  let k = 0;
  for (; k + 4 <= deep; k += 4) {
    transpose4(from, across, to, 32);
    transpose4(from + 4 * across, across, to + 16, 32);
    from += 16;
    to += 128;
  }
  for (; k < deep; k++) {
    for (let x: usize = 0; x < 8; x++) store<f32>(to + (x << 2), load<f32>(from + x * across));
    from += 4;
    to += 32;
  }
  return to;
}

/** The transposed 4 x 4 block at `from` (rows `across` bytes apart) to rows `step` bytes apart. */
function transpose4(from: usize, across: usize, to: usize, step: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + across);
  const r2 = v128.load(from + 2 * across);
  const r3 = v128.load(from + 3 * across);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + step, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * step, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * step, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

/** Panels of `tileRows` rows, each k after k; what lies below the last row is 0. */
function packRows(rows: i32, deep: i32, a: usize, rowStep: i32, columnStep: i32, to: usize): void {
  const right = bytesOf(columnStep);
  const down = bytesOf(rowStep);
  const step = bytesOf(tileRows);
  for (let i = 0; i < rows; i += tileRows) {
    let from = a + bytesOf(i * rowStep);
    const tall = min(tileRows, rows - i);
    if (tall === tileRows && rowStep === 1) {
      for (let k = 0; k < deep; k++, to += step, from += right) {
        v128.store(to, v128.load(from));
        store<f32>(to, load<f32>(from, 16), 16);
        if (ASC_FEATURE_RELAXED_SIMD) store<f32>(to, load<f32>(from, 20), 20);
      }
    } else if (tall === tileRows && columnStep === 1) {
      to = packWholeRows(deep, from, down, to);
    } else {
      for (let k = 0; k < deep; k++) {
        for (let y = 0; y < tileRows; y++) {
          store<f32>(to + bytesOf(y), y < tall ? load<f32>(from + bytesOf(y * rowStep)) : 0);
        }
        to += step;
        from += right;
      }
    }
  }
}

/** `tileRows` rows whose elements lie one after the other: four of them by transposing 4 x 4 blocks in registers. */
function packWholeRows(deep: i32, from: usize, down: usize, to: usize): usize {
  const step = bytesOf(tileRows);
  const fifth = from + 4 * down;
  const sixth = fifth + down;
  let offset: usize = 0;
  const whole = bytesOf(deep & ~3);
  for (; offset < whole; offset += 16, to += 4 * step) {
    transpose4(from + offset, down, to, step);
    const last = v128.load(fifth + offset);
    v128.store_lane<f32>(to + 16, last, 0);
    v128.store_lane<f32>(to + step + 16, last, 1);
    v128.store_lane<f32>(to + 2 * step + 16, last, 2);
    v128.store_lane<f32>(to + 3 * step + 16, last, 3);
    if (ASC_FEATURE_RELAXED_SIMD) {
      const more = v128.load(sixth + offset);
      v128.store_lane<f32>(to + 20, more, 0);
      v128.store_lane<f32>(to + step + 20, more, 1);
      v128.store_lane<f32>(to + 2 * step + 20, more, 2);
      v128.store_lane<f32>(to + 3 * step + 20, more, 3);
    }
  }
  for (; offset < bytesOf(deep); offset += 4, to += step) {
    for (let y = 0; y < tileRows; y++)
      store<f32>(to + bytesOf(y), load<f32>(from + offset + <usize>y * down));
  }
  return to;
}

function copyTile(tile: usize, c: usize, rows: i32, columns: i32, rowStep: i32, add: bool): void {
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const to = c + bytesOf(y * rowStep + x);
      const value = load<f32>(tile + bytesOf(y * tileColumns + x));
      store<f32>(to, add ? load<f32>(to) + value : value);
    }
  }
}

function storeRow(c: usize, left: v128, right: v128, add: bool): void {
  if (add) {
    v128.store(c, f32x4.add(v128.load(c), left));
    v128.store(c, f32x4.add(v128.load(c, 16), right), 16);
  } else {
    v128.store(c, left);
    v128.store(c, right, 16);
  }
}

/** One tile of C from a panel of A and one of B, in registers all along. */
function multiplyTile(deep: i32, a: usize, b: usize, c: usize, rowStep: i32, add: bool): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0);
  let c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0);
  let c51 = f32x4.splat(0);
  for (let k = 0; k < deep; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    const a1 = v128.load32_splat(a, 4);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    const a2 = v128.load32_splat(a, 8);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    const a3 = v128.load32_splat(a, 12);
    c30 = multiplyAdd(a3, b0, c30);
    c31 = multiplyAdd(a3, b1, c31);
    const a4 = v128.load32_splat(a, 16);
    c40 = multiplyAdd(a4, b0, c40);
    c41 = multiplyAdd(a4, b1, c41);
    if (ASC_FEATURE_RELAXED_SIMD) {
      const a5 = v128.load32_splat(a, 20);
      c50 = multiplyAdd(a5, b0, c50);
      c51 = multiplyAdd(a5, b1, c51);
    }
    a += ASC_FEATURE_RELAXED_SIMD ? 24 : 20;
    b += 32;
  }
  const down = bytesOf(rowStep);
  storeRow(c, c00, c01, add);
  storeRow(c + down, c10, c11, add);
  storeRow(c + 2 * down, c20, c21, add);
  storeRow(c + 3 * down, c30, c31, add);
  storeRow(c + 4 * down, c40, c41, add);
  if (ASC_FEATURE_RELAXED_SIMD) storeRow(c + 5 * down, c50, c51, add);
}
