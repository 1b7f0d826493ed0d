/** All kinds of layers. A new one is its descriptor, its line here and its line in layers-forward.ts. */
import type * as z from 'zod';
import { unionBy } from '../../../registry/registry.ts';
import { conv2d, depthwiseConv2d, separableConv2d } from './kinds/convolution.ts';
import { dense } from './kinds/dense.ts';
import { add, concatenate, multiply } from './kinds/merging.ts';
import { groupNormalization, layerNormalization } from './kinds/normalisation.ts';
import {
  averagePooling2d,
  globalAveragePooling2d,
  globalMaxPooling2d,
  maxPooling2d,
} from './kinds/pooling.ts';
import { gru, lstm } from './kinds/recurrent.ts';
import {
  averagePooling1d,
  conv1d,
  embedding,
  globalAveragePooling1d,
  globalMaxPooling1d,
  maxPooling1d,
} from './kinds/sequences.ts';
import { activate, dropout, flatten, reshape, zeroPadding2d } from './kinds/shaping.ts';
import type { LayerKind } from './layer-kind.ts';

/** In the order of docs/CONFIG.md. */
const layerKinds = [
  dense,
  conv2d,
  depthwiseConv2d,
  separableConv2d,
  maxPooling2d,
  averagePooling2d,
  globalAveragePooling2d,
  globalMaxPooling2d,
  flatten,
  reshape,
  zeroPadding2d,
  activate,
  dropout,
  layerNormalization,
  groupNormalization,
  add,
  multiply,
  concatenate,
  conv1d,
  maxPooling1d,
  averagePooling1d,
  globalAveragePooling1d,
  globalMaxPooling1d,
  lstm,
  gru,
  embedding,
] as const;

export const layerSchema = unionBy('kind', layerKinds);
export type LayerSpec = z.infer<typeof layerSchema>;
export type LayerOf<Kind extends LayerSpec['kind']> = Extract<LayerSpec, { readonly kind: Kind }>;

const byKind: ReadonlyMap<string, LayerKind> = new Map(layerKinds.map((kind) => [kind.kind, kind]));

export function layerKindOf(layer: LayerSpec): LayerKind {
  return byKind.get(layer.kind)!;
}

/** Who reads layers of a class of Keras. */
export const readers: ReadonlyMap<
  string,
  { readonly kind: string; readonly read: LayerKind['read'][string] }
> = new Map(
  layerKinds.flatMap(({ kind, read }) =>
    Object.entries(read).map(([className, reader]) => [className, { kind, read: reader }] as const),
  ),
);
