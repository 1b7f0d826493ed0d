/** A graph of ONNX (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), put together node by node. */

import { Message } from '../../../core/protobuf.ts';
import type { GraphAttribute, GraphBuilder } from '../../../tasks/models/parts/graph-builder.ts';
import { littleEndianBytes } from '../../initial.ts';

/** Of the format, and of the operators: LayerNormalization came with it. onnxruntime reads both since 1.12 (2022). */
const [irVersion, opsetVersion] = [8, 17];
/** Message `TensorProto.DataType`. */
const elementTypes = { float: 1, int64: 7 } as const;
/** Enum `AttributeProto.AttributeType`. */
const attributeTypes = { float: 1, int: 2, text: 3, ints: 7 } as const;

interface Value {
  readonly name: string;
  readonly elements: keyof typeof elementTypes;
  /** Dimensions; a name is one that callers choose. */
  readonly shape: readonly (number | string)[];
}

export class OnnxGraph implements GraphBuilder {
  readonly #graph = new Message();
  #count = 0;

  /** Returns the name of its result. Whole numbers are `int`, lists of them `ints`. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, GraphAttribute>> = {},
    output = this.#next(op),
  ): string {
    const node = new Message();
    for (const input of inputs) node.text(1, input);
    node.text(2, output).text(3, output).text(4, op);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attributeOf(name, value));
    this.#graph.message(1, node);
    return output;
  }

  /** Numbers of the model, little-endian and not copied. */
  weights(name: string, shape: readonly number[], values: Float32Array): string {
    return this.#tensor(name, shape, 'float', littleEndianBytes(values));
  }

  constant(shape: readonly number[], values: readonly number[]): string {
    return this.weights(this.#next('constant'), shape, Float32Array.from(values));
  }

  /** Whole numbers, as shapes and paddings are given. */
  integers(values: readonly number[]): string {
    const bytes = new DataView(new ArrayBuffer(8 * values.length));
    values.forEach((value, index) => {
      bytes.setBigInt64(8 * index, BigInt(value), true);
    });
    return this.#tensor(this.#next('integers'), [values.length], 'int64', new Uint8Array(bytes.buffer));
  }

  input(value: Value): string {
    this.#graph.message(11, valueInfo(value));
    return value.name;
  }

  output(value: Value): void {
    this.#graph.message(12, valueInfo(value));
  }

  /** The whole file, in parts one after the other. */
  file(name: string, version: string, metadata: Readonly<Record<string, string>>): readonly Uint8Array[] {
    this.#graph.text(2, name);
    const model = new Message().integer(1, irVersion).text(2, 'starlings').text(3, version);
    model.message(7, this.#graph).message(8, new Message().text(1, '').integer(2, opsetVersion));
    for (const [key, value] of Object.entries(metadata)) {
      model.message(14, new Message().text(1, key).text(2, value));
    }
    return model.parts;
  }

  #tensor(name: string, shape: readonly number[], elements: Value['elements'], bytes: Uint8Array): string {
    const tensor = new Message();
    for (const length of shape) tensor.integer(1, length);
    tensor.integer(2, elementTypes[elements]).text(8, name).bytes(9, bytes);
    this.#graph.message(5, tensor);
    return name;
  }

  #next(what: string): string {
    return `${what.toLowerCase()}_${this.#count++}`;
  }
}

function attributeOf(name: string, value: GraphAttribute): Message {
  const attribute = new Message().text(1, name);
  if (typeof value === 'string') return attribute.text(4, value).integer(20, attributeTypes.text);
  if (typeof value === 'number') return attribute.integer(3, value).integer(20, attributeTypes.int);
  if ('float' in value) return attribute.float(2, value.float).integer(20, attributeTypes.float);
  for (const each of value) attribute.integer(8, each);
  return attribute.integer(20, attributeTypes.ints);
}

function valueInfo({ name, elements, shape }: Value): Message {
  const dimensions = new Message();
  for (const length of shape) {
    const dimension = new Message();
    if (typeof length === 'number') dimension.integer(1, length);
    else dimension.text(2, length);
    dimensions.message(1, dimension);
  }
  const tensorType = new Message().integer(1, elementTypes[elements]).message(2, dimensions);
  return new Message().text(1, name).message(2, new Message().message(1, tensorType));
}
