/** The way back through maxima over windows, channels last. */
import { Geometry } from './conv.ts';
import { bytesOf } from './lanes.ts';

/** The gradient of each output goes to the first input of its window that equals it. */
export function maxPoolGradient(g: Geometry, x: usize, y: usize, dy: usize, dx: usize): void {
  const channels = g.inChannels;
  memory.fill(dx, 0, bytesOf(g.batch * g.inHeight * g.inWidth * channels));
  for (let image = 0; image < g.batch; image++) {
    for (let row = 0; row < g.outHeight; row++) {
      const top = row * g.strideHeight - g.padTop;
      for (let column = 0; column < g.outWidth; column++) {
        const left = column * g.strideWidth - g.padLeft;
        let channel = 0;
        for (; channel + 4 <= channels; channel += 4, y += 16, dy += 16) {
          const largest = v128.load(y);
          let change = v128.load(dy);
          for (let ky = 0; ky < g.filterHeight; ky++) {
            const down = top + ky * g.dilationHeight;
            if (down < 0 || down >= g.inHeight) continue;
            for (let kx = 0; kx < g.filterWidth; kx++) {
              const across = left + kx * g.dilationWidth;
              if (across < 0 || across >= g.inWidth) continue;
              const at = bytesOf(((image * g.inHeight + down) * g.inWidth + across) * channels + channel);
              const isFirst = f32x4.eq(v128.load(x + at), largest);
              v128.store(dx + at, f32x4.add(v128.load(dx + at), v128.and(change, isFirst)));
              change = v128.andnot(change, isFirst);
            }
          }
        }
        for (; channel < channels; channel++, y += 4, dy += 4) {
          const at = firstOf(g, x, load<f32>(y), image, top, left, channel);
          if (at >= 0) {
            const to = dx + bytesOf(at);
            store<f32>(to, load<f32>(to) + load<f32>(dy));
          }
        }
      }
    }
  }
}

/** Where in x the first number of a window lies that equals `largest`; -1 where none does, as of not a number. */
function firstOf(g: Geometry, x: usize, largest: f32, image: i32, top: i32, left: i32, channel: i32): i32 {
  for (let ky = 0; ky < g.filterHeight; ky++) {
    const down = top + ky * g.dilationHeight;
    if (down < 0 || down >= g.inHeight) continue;
    for (let kx = 0; kx < g.filterWidth; kx++) {
      const across = left + kx * g.dilationWidth;
      if (across < 0 || across >= g.inWidth) continue;
      const at = ((image * g.inHeight + down) * g.inWidth + across) * g.inChannels + channel;
      if (load<f32>(x + bytesOf(at)) === largest) return at;
    }
  }
  return -1;
}
