/**
 * Figures as event files of TensorBoard: a folder for each run and node, in which TensorBoard finds one curve a figure. A file is a sequence of
 * records (tensorflow/core/lib/io/record_writer.h), each an `Event` (tensorflow/core/util/event.proto) in protobuf.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures } from '../node/run-history.ts';
import type { Scalar, ScalarSink } from './settled-figures.ts';

/** What stands before the slash groups them. */
const tags: Readonly<Record<keyof Figures, string>> = {
  loss: 'training/loss',
  accuracy: 'held_out/accuracy',
  heldOutLoss: 'held_out/loss',
  bytesIn: 'network/bytes_received',
  bytesOut: 'network/bytes_sent',
  lag: 'log/entries_missing',
  behind: 'log/rounds_not_final',
};

/** Of a run id, which is long; the rest of it tells no runs of one folder apart. */
const runIdShown = 16;

/** @throws system errors */
export function openTensorboard(directory: string): ScalarSink {
  const files = new Map<string, number>();
  const fileOf = ({ runId, node, atMs }: Scalar): number => {
    const folder = join(directory, runId.slice(-runIdShown), node);
    const known = files.get(folder);
    if (known !== undefined) return known;
    mkdirSync(folder, { recursive: true });
    // The name is one that TensorBoard looks for, and no earlier file is written on.
    const file = openSync(join(folder, `events.out.tfevents.${Date.now()}.${process.pid}.starlings`), 'wx');
    files.set(folder, file);
    const version = protobuf([double(1, atMs / 1000), bytes(3, Buffer.from('brain.Event:2'))]);
    writeSync(file, record(version));
    return file;
  };
  return {
    write: (scalar) => {
      writeSync(fileOf(scalar), record(eventOf(scalar)));
    },
    close: () => {
      for (const file of files.values()) closeSync(file);
    },
  };
}

function eventOf({ round, figure, value, atMs }: Scalar): Buffer {
  const one = protobuf([bytes(1, Buffer.from(tags[figure])), float(2, value)]);
  return protobuf([double(1, atMs / 1000), varint(2, round), bytes(5, bytes(1, one))]);
}

const protobuf = (fields: readonly Buffer[]): Buffer => Buffer.concat(fields);

function double(field: number, value: number): Buffer {
  const encoded = Buffer.alloc(9);
  encoded[0] = (field << 3) | 1;
  encoded.writeDoubleLE(value, 1);
  return encoded;
}

function float(field: number, value: number): Buffer {
  const encoded = Buffer.alloc(5);
  encoded[0] = (field << 3) | 5;
  encoded.writeFloatLE(value, 1);
  return encoded;
}

function varint(field: number, value: number): Buffer {
  return Buffer.from([field << 3, ...varintBytes(value)]);
}

function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varintBytes(value.length)]), value]);
}

/** Of whole numbers up to 2^53: rounds and lengths. */
function varintBytes(value: number): number[] {
  const encoded: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) encoded.push((rest % 0x80) | 0x80);
  return [...encoded, rest];
}

/** Length and data, each with a checksum behind it. */
function record(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeUInt32LE(data.length, 0);
  return Buffer.concat([length, checksum(length), data, checksum(data)]);
}

/** CRC-32C, masked: a checksum of what holds checksums would be a bad one. */
function checksum(data: Buffer): Buffer {
  const crc = crc32c(data);
  const encoded = Buffer.alloc(4);
  encoded.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return encoded;
}

/** Castagnoli's polynomial, reflected (RFC 3720, B.4). Node's own `crc32` is another. */
const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

function crc32c(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
