import type * as tf from '@tensorflow/tfjs-core';
import type { KernelHost } from './kernel-host.ts';

/** int32 numbers of `Geometry` in `assembly/nn/conv.ts`, and its size rounded up to whole vectors. */
export const geometryBytes = 64;

/** Writes a geometry to scratch memory, with room for `more` bytes behind it, and returns its address. */
export function placeGeometry(host: KernelHost, info: tf.backend_util.Conv2DInfo, more = 0): number {
  const address = host.scratch(geometryBytes + more);
  host.writeInts(address, [
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    info.outChannels,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
  ]);
  return address;
}
