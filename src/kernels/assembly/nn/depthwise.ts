/** Gradients of depthwise convolutions: filters of height x width x inputs x multiplier, NHWC. */
import { Geometry } from './conv.ts';
import { bytesOf } from './lanes.ts';

/** outChannels of the geometry is inChannels * multiplier. The filter's gradient is summed output by output. */
export function depthwiseFilterGradient(
  g: Geometry,
  x: usize,
  outGradient: usize,
  filterGradient: usize,
): void {
  memory.fill(filterGradient, 0, bytesOf(g.filterHeight * g.filterWidth * g.outChannels));
  visitPairs(g, outGradient, x, filterGradient, true);
}

export function depthwiseInputGradient(
  g: Geometry,
  outGradient: usize,
  filter: usize,
  inGradient: usize,
): void {
  memory.fill(inGradient, 0, bytesOf(g.batch * g.inHeight * g.inWidth * g.inChannels));
  visitPairs(g, outGradient, inGradient, filter, false);
}

/** For every output and every element of the filter: the gradient of one side from the other, where the image is. */
function visitPairs(g: Geometry, outGradient: usize, image: usize, filter: usize, isByFilter: bool): void {
  const multiplier = g.outChannels / g.inChannels;
  let dy = outGradient;
  for (let batch = 0; batch < g.batch; batch++) {
    for (let row = 0; row < g.outHeight; row++) {
      for (let column = 0; column < g.outWidth; column++) {
        for (let ky = 0; ky < g.filterHeight; ky++) {
          const y = row * g.strideHeight - g.padTop + ky * g.dilationHeight;
          if (y < 0 || y >= g.inHeight) continue;
          for (let kx = 0; kx < g.filterWidth; kx++) {
            const across = column * g.strideWidth - g.padLeft + kx * g.dilationWidth;
            if (across < 0 || across >= g.inWidth) continue;
            const pixel = image + bytesOf(((batch * g.inHeight + y) * g.inWidth + across) * g.inChannels);
            const element = filter + bytesOf((ky * g.filterWidth + kx) * g.outChannels);
            if (isByFilter) {
              if (multiplier === 1) addProducts(g.inChannels, pixel, dy, element);
              else addScaled(g.inChannels, multiplier, pixel, dy, element);
            } else if (multiplier === 1) addProducts(g.inChannels, element, dy, pixel);
            else addDots(g.inChannels, multiplier, element, dy, pixel);
          }
        }
        dy += bytesOf(g.outChannels);
      }
    }
  }
}

/** to[c] += a[c] * b[c] */
function addProducts(channels: i32, a: usize, b: usize, to: usize): void {
  let c = 0;
  for (; c + 4 <= channels; c += 4, a += 16, b += 16, to += 16) {
    v128.store(to, f32x4.add(v128.load(to), f32x4.mul(v128.load(a), v128.load(b))));
  }
  for (; c < channels; c++, a += 4, b += 4, to += 4)
    store<f32>(to, load<f32>(to) + load<f32>(a) * load<f32>(b));
}

/** to[c][q] += a[c] * b[c][q] */
function addScaled(channels: i32, multiplier: i32, a: usize, b: usize, to: usize): void {
  for (let c = 0; c < channels; c++, a += 4) {
    const value = load<f32>(a);
    for (let q = 0; q < multiplier; q++, b += 4, to += 4)
      store<f32>(to, load<f32>(to) + value * load<f32>(b));
  }
}

/** to[c] += sum over q of a[c][q] * b[c][q] */
function addDots(channels: i32, multiplier: i32, a: usize, b: usize, to: usize): void {
  for (let c = 0; c < channels; c++, to += 4) {
    let sum = load<f32>(to);
    for (let q = 0; q < multiplier; q++, a += 4, b += 4) sum += load<f32>(a) * load<f32>(b);
    store<f32>(to, sum);
  }
}
