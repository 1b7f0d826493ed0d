/** What a kind of layer is: how a manifest describes it, what it gives, its tensors, and how Keras writes it. */
import * as z from 'zod';
import type { LayoutBuilder } from '../parts/layout-builder.ts';
import type { LayerConfig } from './layer-config.ts';

/** Of one example, without the dimension of the rows. */
export type Shape = readonly number[];

type LayerSchema = z.ZodObject<{ kind: z.ZodLiteral<string>; name: z.ZodString }>;

export interface LayerKind<
  Schema extends LayerSchema = LayerSchema,
  Spec extends { readonly kind: string; readonly name: string } = z.infer<Schema>,
> {
  readonly kind: Spec['kind'];
  readonly schema: Schema;
  /** What it gives of values of these shapes; a sentence where it cannot take them. */
  shape(layer: Spec, inputs: readonly Shape[]): Shape | string;
  /** Adds its tensors below its name, in the order in which Keras has them. Absent where there are none. */
  layout?(layer: Spec, inputs: readonly Shape[], layout: LayoutBuilder): void;
  /** Multiply-adds of one example, where they are not every weight once at each place of what it gives. */
  work?(layer: Spec, inputs: readonly Shape[]): number;
  /** Whether what it gives for a step follows from that step and those before it. Absent: no. */
  isCausal?(layer: Spec): boolean;
  /** The classes of Keras that it is read from: the fields of the spec besides its name and its inputs. */
  readonly read: Readonly<Record<string, (config: LayerConfig, inputs: readonly Shape[]) => object>>;
  /** How TensorFlow.js Layers, version 4, writes it; null where it has nothing like it. */
  keras(layer: Spec): KerasForm | null;
}

export interface KerasForm {
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Its tensors where they are called otherwise than here. */
  readonly names?: Readonly<Record<string, string>>;
}

export function defineLayer<Schema extends LayerSchema>(kind: LayerKind<Schema>): LayerKind<Schema> {
  return kind;
}

const layerName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, 'letters, digits, _ . and -');

/** A name of a file in the letters of manifests; several may become one. */
export function plainName(given: string): string {
  const plain = given.replaceAll(/[^A-Za-z0-9_.-]/g, '_').replace(/^[.-]/, '_');
  return plain.slice(0, 56) || 'layer';
}

/** Fields of every layer. */
export const common = {
  name: layerName.describe('its tensors are named after it'),
  from: z
    .array(layerName)
    .min(1)
    .max(16)
    .optional()
    .describe('layers, or `input`, whose values it takes; none: the layer before it'),
};

/** A side of an image or a filter, or values of a row. */
export const length = z
  .int()
  .min(1)
  .max(1 << 20);
const side = z.int().min(1).max(1024);
/** Height and width. */
export const pair = z.tuple([side, side]);
export type Pair = z.infer<typeof pair>;

export const padding = z.enum(['same', 'valid']);
export const bias = z.boolean().describe('whether a bias is added');
export const deviation = z
  .number()
  .min(0)
  .max(10)
  .describe('standard deviation of the start values, which are uniform; 0: zeros');

export const activationNames = [
  'linear',
  'relu',
  'relu6',
  'elu',
  'selu',
  'gelu',
  'gelu-tanh',
  'silu',
  'sigmoid',
  'softplus',
  'tanh',
] as const;
export const activation = z.enum(activationNames);
export type ActivationName = z.infer<typeof activation>;

export function valuesOf(shape: Shape): number {
  return shape.reduce((product, each) => product * each, 1);
}

export function oneOf(inputs: readonly Shape[], rank: number | null = null): Shape | string {
  const [shape, ...more] = inputs;
  if (shape === undefined || more.length > 0) return `takes one input, not ${inputs.length}`;
  if (rank === null || shape.length === rank) return shape;
  const wanted = rank === 3 ? 'images (height x width x channels)' : 'rows of values';
  return `takes ${wanted}, not ${written(shape)}`;
}

export function written(shape: Shape): string {
  return shape.join(' x ');
}

interface Window {
  readonly window: Pair;
  readonly strides: Pair;
  readonly padding: 'same' | 'valid';
  readonly dilation?: Pair;
}

/** Height and width of what windows that move over `height` x `width` give; a sentence where none fits in. */
export function windowed(
  [height, width]: Shape,
  { window, strides, padding: pad, dilation = [1, 1] }: Window,
): Pair | string {
  const sides = [height!, width!].map((from, axis) => {
    const covered = (window[axis]! - 1) * dilation[axis]! + 1;
    return pad === 'same'
      ? Math.ceil(from / strides[axis]!)
      : Math.floor((from - covered) / strides[axis]!) + 1;
  });
  if (sides.some((each) => each < 1))
    return `its window of ${window.join(' x ')} is larger than ${height} x ${width}`;
  return sides as Pair;
}
