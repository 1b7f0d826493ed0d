/** What a kind of model is. Its folder holds this description, which runs anywhere, and its forward pass, which needs tensors. */
import type * as tf from '@tensorflow/tfjs-core';
import type * as z from 'zod';
import type { Impossible } from '../../registry/impossible.ts';
import type { ExampleForm, ExampleSize } from '../example-form.ts';
import type { LayersSpec } from './layers/layers-spec.ts';
import type { GraphPass } from './parts/graph-builder.ts';
import type { LayoutBuilder } from './parts/layout-builder.ts';
import type { Weights } from './parts/weights.ts';

/** A form of the field `model` of a run. */
type ModelKindSchema = z.ZodObject<{ kind: z.ZodLiteral<string> }>;

export interface ModelKind<
  Schema extends ModelKindSchema = ModelKindSchema,
  Spec extends { readonly kind: string } = z.infer<Schema>,
> {
  readonly kind: Spec['kind'];
  readonly schema: Schema;
  /** Small ones: the tests of all models go over them. */
  readonly examples: readonly Spec[];
  takes(model: Spec): ExampleForm;
  /** Of one example, without the dimension of the rows: inputs; height, width, channels; or bytes of context. */
  exampleShape(model: Spec): readonly number[];
  /** Classes it tells apart; of a language model the bytes that may come next. */
  outputs(model: Spec): number;
  /** Adds its tensors in their order. Peers must agree on it to the bit, so all of it follows from the description alone. */
  layout(model: Spec, layout: LayoutBuilder): void;
  /**
   * The model that it adds to and that stays as it is; the forward pass is given its tensors too. Its weights come from a file, not from
   * the seed. A spec of a registered kind. Absent where all weights are trained.
   */
  frozen?(model: Spec): { readonly kind: string };
  /** Weights of the frozen model that give the same answers as both vectors together. There where `frozen` is. */
  merge?(model: Spec, frozen: Float32Array, vector: Float32Array): Promise<Float32Array>;
  /** What no single field shows. */
  impossible?(model: Spec): Impossible | null;
  /** What whoever signs a run should know: sentences about parts of the description that do not do what they do elsewhere. */
  remarks?(model: Spec): readonly string[];
  /** Of a model that a trainer alone can compute and begin: what must be the same at all of them. It has no forward pass. */
  external?(model: Spec): ExternalFacts;
  /** There is no model: the run trains nothing. */
  readonly isNothing?: true;
  /** One of moderate size to begin with; null where it does not suit such examples. Absent where it takes more than these to describe one. */
  starter?(size: ExampleSize): Starter<Spec> | null;
  /** Examples of one pass of an evaluation: bounds memory, and larger ones were not faster. */
  readonly rowsPerPass: number;
  /** Imports TensorFlow.js, which descriptions do without. */
  loadForward(): Promise<ForwardPass<Spec>>;
  /** The model whose tensors have these names and shapes, where they alone tell. The caller checks that all are there. */
  ofTensors?(shapes: ReadonlyMap<string, readonly number[]>): Spec | null;
  /** The same function as a graph of ONNX, where it is none of layers. */
  loadGraph?(): Promise<GraphPass<Spec>>;
  /** The same function of the same tensors as layers, which other programs know; absent where it is none. */
  asLayers?(model: Spec): LayersSpec;
}

/** A model with the training that suits it: a run's YAML to begin with. Guesses, where the files in `configs/runs` measured nothing. */
export interface Starter<Spec> {
  readonly model: Spec;
  readonly training: Readonly<Record<string, unknown>>;
  readonly rounds: number;
  readonly slotMs: number;
}

export interface ExternalFacts {
  /** SHA-256 (hex) of the start vector. */
  readonly initHash: string;
  /** Of what the trainer says of itself, where that must be the same. */
  readonly describe: string | undefined;
}

export interface ForwardPass<Spec> {
  /**
   * Logits of a batch. `inputs` is rows x `exampleShape` (a sequence may be shorter); one row of logits (`outputs` wide) for each
   * example, of a sequence one for each value. Differentiable in the weights.
   */
  forward(model: Spec, weights: Weights, inputs: tf.Tensor): tf.Tensor2D;
}
