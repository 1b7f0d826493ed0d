/**
 * Convolutions (NHWC, filters of height x width x inputs x outputs) as matrix products: the inputs that one output looks
 * at are copied into a row (Chellapilla et al., "High performance convolutional neural networks for document
 * processing", 2006), in blocks of rows, so that scratch memory is bounded whatever the image.
 */
import { gemm, gemmScratchBytes } from './gemm.ts';
import { bytesOf } from './lanes.ts';

/** Numbers of a convolution as the caller writes them into memory, each an int32. */
@unmanaged
export class Geometry {
  batch: i32;
  inHeight: i32;
  inWidth: i32;
  inChannels: i32;
  outHeight: i32;
  outWidth: i32;
  outChannels: i32;
  filterHeight: i32;
  filterWidth: i32;
  strideHeight: i32;
  strideWidth: i32;
  dilationHeight: i32;
  dilationWidth: i32;
  padTop: i32;
  padLeft: i32;
}

/** Floats of a block of rows: stays in the second-level cache. */
const blockFloats: i32 = 1 << 17;
/** Rows of a block at least, where filters are very large. */
const blockRowsMin: i32 = 32;

function depthOf(g: Geometry): i32 {
  return g.filterHeight * g.filterWidth * g.inChannels;
}

function rowsPerBlock(g: Geometry): i32 {
  return max(blockRowsMin, blockFloats / depthOf(g));
}

/** Bytes of scratch memory that the three functions below need. */
export function convolutionScratchBytes(g: Geometry): i32 {
  return ((rowsPerBlock(g) * depthOf(g)) << 2) + gemmScratchBytes();
}

/** out = x convolved with filter. */
export function convolve(g: Geometry, x: usize, filter: usize, out: usize, scratch: usize): void {
  const depth = depthOf(g);
  const rows = g.batch * g.outHeight * g.outWidth;
  const step = rowsPerBlock(g);
  const inner = scratch + bytesOf(step * depth);
  for (let first = 0; first < rows; first += step) {
    const count = min(step, rows - first);
    gatherRows(g, first, count, x, scratch);
    const to = out + bytesOf(first * g.outChannels);
    gemm(
      count,
      g.outChannels,
      depth,
      scratch,
      depth,
      1,
      filter,
      g.outChannels,
      1,
      to,
      g.outChannels,
      0,
      inner,
    );
  }
}

/** filterGradient = sum over all outputs of the inputs they look at times their gradient. */
export function convolveFilterGradient(
  g: Geometry,
  x: usize,
  outGradient: usize,
  filterGradient: usize,
  scratch: usize,
): void {
  const depth = depthOf(g);
  const channels = g.outChannels;
  const rows = g.batch * g.outHeight * g.outWidth;
  const step = rowsPerBlock(g);
  const inner = scratch + bytesOf(step * depth);
  memory.fill(filterGradient, 0, bytesOf(depth * channels));
  for (let first = 0; first < rows; first += step) {
    const count = min(step, rows - first);
    gatherRows(g, first, count, x, scratch);
    const from = outGradient + bytesOf(first * channels);
    gemm(depth, channels, count, scratch, 1, depth, from, channels, 1, filterGradient, channels, 1, inner);
  }
}

/** inGradient = sum over the outputs that look at an input of their gradient times the filter's element. */
export function convolveInputGradient(
  g: Geometry,
  outGradient: usize,
  filter: usize,
  inGradient: usize,
  scratch: usize,
): void {
  const depth = depthOf(g);
  const channels = g.outChannels;
  const rows = g.batch * g.outHeight * g.outWidth;
  const step = rowsPerBlock(g);
  const inner = scratch + bytesOf(step * depth);
  memory.fill(inGradient, 0, bytesOf(g.batch * g.inHeight * g.inWidth * g.inChannels));
  for (let first = 0; first < rows; first += step) {
    const count = min(step, rows - first);
    const from = outGradient + bytesOf(first * channels);
    gemm(count, depth, channels, from, channels, 1, filter, 1, channels, scratch, depth, 0, inner);
    scatterRows(g, first, count, scratch, inGradient);
  }
}

/** The first and the last plus one of `count` places, `step` apart from `start` on, that lie in [0, length). */
function firstInside(start: i32, step: i32): i32 {
  return start >= 0 ? 0 : (step - 1 - start) / step;
}

function endInside(start: i32, step: i32, count: i32, length: i32): i32 {
  return start >= length ? 0 : min(count, (length - 1 - start) / step + 1);
}

/** Rows `first`.. of the matrix whose row is all that one output looks at; 0 where that lies outside the image. */
function gatherRows(g: Geometry, first: i32, count: i32, x: usize, to: usize): void {
  const channels = g.inChannels;
  const pixel = bytesOf(channels);
  const filterRow = pixel * <usize>g.filterWidth;
  let column = first % g.outWidth;
  let row = (first / g.outWidth) % g.outHeight;
  let image = first / (g.outWidth * g.outHeight);
  for (let done = 0; done < count; done++) {
    const left = column * g.strideWidth - g.padLeft;
    const from = min(g.filterWidth, firstInside(left, g.dilationWidth));
    const end = max(from, endInside(left, g.dilationWidth, g.filterWidth, g.inWidth));
    let y = row * g.strideHeight - g.padTop;
    for (let ky = 0; ky < g.filterHeight; ky++) {
      if (y < 0 || y >= g.inHeight || from === end) {
        memory.fill(to, 0, filterRow);
      } else {
        if (from > 0) memory.fill(to, 0, bytesOf(from * channels));
        if (end < g.filterWidth) {
          memory.fill(to + bytesOf(end * channels), 0, bytesOf((g.filterWidth - end) * channels));
        }
        const line = x + bytesOf((image * g.inHeight + y) * g.inWidth * channels);
        if (g.dilationWidth === 1) {
          copyFloats(
            line + bytesOf((left + from) * channels),
            to + bytesOf(from * channels),
            (end - from) * channels,
          );
        } else {
          for (let kx = from; kx < end; kx++) {
            const source = line + bytesOf((left + kx * g.dilationWidth) * channels);
            copyFloats(source, to + bytesOf(kx * channels), channels);
          }
        }
      }
      to += filterRow;
      y += g.dilationHeight;
    }
    if (++column === g.outWidth) {
      column = 0;
      if (++row === g.outHeight) {
        row = 0;
        image++;
      }
    }
  }
}

/** The inverse of `gatherRows`: every element is added to the input it was copied from. */
function scatterRows(g: Geometry, first: i32, count: i32, from: usize, x: usize): void {
  const channels = g.inChannels;
  const filterRow = bytesOf(channels * g.filterWidth);
  let column = first % g.outWidth;
  let row = (first / g.outWidth) % g.outHeight;
  let image = first / (g.outWidth * g.outHeight);
  for (let done = 0; done < count; done++) {
    const left = column * g.strideWidth - g.padLeft;
    const begin = min(g.filterWidth, firstInside(left, g.dilationWidth));
    const end = max(begin, endInside(left, g.dilationWidth, g.filterWidth, g.inWidth));
    let y = row * g.strideHeight - g.padTop;
    for (let ky = 0; ky < g.filterHeight; ky++) {
      if (y >= 0 && y < g.inHeight) {
        const line = x + bytesOf((image * g.inHeight + y) * g.inWidth * channels);
        if (g.dilationWidth === 1) {
          addFloats(
            from + bytesOf(begin * channels),
            line + bytesOf((left + begin) * channels),
            (end - begin) * channels,
          );
        } else {
          for (let kx = begin; kx < end; kx++) {
            const target = line + bytesOf((left + kx * g.dilationWidth) * channels);
            addFloats(from + bytesOf(kx * channels), target, channels);
          }
        }
      }
      from += filterRow;
      y += g.dilationHeight;
    }
    if (++column === g.outWidth) {
      column = 0;
      if (++row === g.outHeight) {
        row = 0;
        image++;
      }
    }
  }
}

function copyFloats(from: usize, to: usize, count: i32): void {
  const end = to + bytesOf(count);
  const blocks = to + bytesOf(count & ~3);
  for (; to < blocks; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from));
}

function addFloats(from: usize, to: usize, count: i32): void {
  const end = to + bytesOf(count);
  const blocks = to + bytesOf(count & ~3);
  for (; to < blocks; to += 16, from += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
}
