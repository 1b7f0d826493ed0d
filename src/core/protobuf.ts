/** Messages of Protocol Buffers, written: https://protobuf.dev/programming-guides/encoding. Long fields stay views of where they lie. */

import { fromString } from 'uint8arrays';

const [varintType, fixed64Type, lengthType, fixed32Type] = [0, 1, 2, 5];

export class Message {
  readonly parts: Uint8Array[] = [];
  length = 0;

  /** A whole number; negative ones as two's complement of 64 bits, as int64 has them. */
  integer(field: number, value: number): this {
    return this.#varint(8 * field + varintType).#varint(value);
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#varint(8 * field + fixed32Type).#push(bytes);
  }

  double(field: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.#varint(8 * field + fixed64Type).#push(bytes);
  }

  text(field: number, value: string): this {
    return this.bytes(field, fromString(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#varint(8 * field + lengthType)
      .#varint(value.length)
      .#push(value);
  }

  message(field: number, value: Message): this {
    this.#varint(8 * field + lengthType).#varint(value.length);
    for (const part of value.parts) this.#push(part);
    return this;
  }

  #varint(value: number): this {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    return this.#push(Uint8Array.from(bytes));
  }

  #push(bytes: Uint8Array): this {
    this.parts.push(bytes);
    this.length += bytes.length;
    return this;
  }
}
