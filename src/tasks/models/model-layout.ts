/** Sizes of a model, and how its tensors lie in the flat parameter vector: all that the protocol wants to know of it. */
import { type ExampleForm, exampleForms } from '../example-form.ts';
import { LayoutBuilder, type TensorLayout } from './parts/layout-builder.ts';
import { type ModelSpec, modelKindOf, modelSchema } from './registry.ts';

/** The tensors of `model` in order; they cover the flat vector without gaps. */
export function modelLayout(model: ModelSpec): TensorLayout[] {
  const layout = new LayoutBuilder();
  modelKindOf(model).layout(model, layout);
  return layout.tensors;
}

/** Number of parameters of a model. */
export function parameterCount(model: ModelSpec): number {
  const last = modelLayout(model).at(-1);
  return last === undefined ? 0 : last.at + last.length;
}

/** The model that `model` adds to and that is not trained; null where there is none. */
export function frozenOf(model: ModelSpec): ModelSpec | null {
  const frozen = modelKindOf(model).frozen?.(model);
  return frozen === undefined ? null : modelSchema.parse(frozen);
}

/** What the examples of a model are made of. */
export function formOf(model: ModelSpec): ExampleForm {
  return modelKindOf(model).takes(model);
}

/** Shape of one example: inputs; height, width, channels; or bytes of context. */
export function exampleShapeOf(model: ModelSpec): readonly number[] {
  return modelKindOf(model).exampleShape(model);
}

/** Values per example: features, pixels times channels, or bytes of context. */
export function inputsOf(model: ModelSpec): number {
  return exampleShapeOf(model).reduce((product, length) => product * length, 1);
}

/** Shape of the inputs of `rows` examples of `values` numbers together; a sequence may be shorter than the model's. */
export function inputShapeOf(model: ModelSpec, rows: number, values: number): number[] {
  return exampleForms[formOf(model)].isSequence ? [rows, values / rows] : [rows, ...exampleShapeOf(model)];
}

/** Classes a model tells apart; of a language model the bytes that may come next. */
export function outputsOf(model: ModelSpec): number {
  return modelKindOf(model).outputs(model);
}

/** Rows of logits that one example gives. */
export function answersPerExample(model: ModelSpec): number {
  return exampleForms[formOf(model)].isSequence ? inputsOf(model) : 1;
}

/** @throws RangeError unless `vector` has one number per parameter of `model`. */
export function checkLength(model: ModelSpec, vector: Float32Array): void {
  checkSize(vector, parameterCount(model));
}

/** @throws RangeError unless `vector` has `size` numbers. */
export function checkSize(vector: Float32Array, size: number): void {
  if (vector.length !== size) {
    throw new RangeError(`the model has ${size} parameters, the vector ${vector.length}`);
  }
}
