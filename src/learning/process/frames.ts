/** Frames between a node and a trainer: a length (uint32, big endian), then so many bytes of canonical CBOR. docs/TRAINERS.md */
import * as dagCbor from '@ipld/dag-cbor';
import { concat } from 'uint8arrays';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import { TrainerProtocolError } from './trainer-error.ts';

const frameBytesMax = 1 << 20;
/** CBOR values of one: the layout of a thousand tensors has about ten thousand. */
const itemsMax = 1 << 16;

/** @throws RangeError where it is longer than a frame may be */
export function encodeFrame(message: Readonly<Record<string, unknown>>): Uint8Array {
  const body = dagCbor.encode(message);
  if (body.length > frameBytesMax) {
    throw new RangeError(
      `a message of ${body.length} bytes is longer than a frame may be (${frameBytesMax})`,
    );
  }
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, body.length);
  return concat([head, body]);
}

/** Puts pieces of a stream together to messages. Holds at most one frame and one piece. */
export class FrameReader {
  #held: Uint8Array = new Uint8Array(0);

  /** The messages that are whole now. @throws TrainerProtocolError for what is no frame; nothing can be read after it */
  take(piece: Uint8Array): unknown[] {
    this.#held = this.#held.length === 0 ? piece : concat([this.#held, piece]);
    const messages: unknown[] = [];
    for (;;) {
      const { length } = this.#held;
      if (length < 4) return messages;
      const bytes = new DataView(this.#held.buffer, this.#held.byteOffset).getUint32(0);
      if (bytes > frameBytesMax) {
        throw new TrainerProtocolError(
          `it announced a frame of ${bytes} bytes, more than ${frameBytesMax}: vectors go by file, and prints to stdout`,
        );
      }
      if (length < 4 + bytes) return messages;
      const message = decodeCanonical(this.#held.subarray(4, 4 + bytes), itemsMax);
      if (message === undefined) {
        throw new TrainerProtocolError(
          'it sent a frame that is no canonical CBOR: keys shortest first, whole numbers as integers, other numbers in 64 bits, no NaN',
        );
      }
      messages.push(message);
      this.#held = this.#held.subarray(4 + bytes);
    }
  }
}
