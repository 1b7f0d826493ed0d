/**
 * Figures as event files of TensorBoard: a folder for each run and node, in which TensorBoard finds one curve a figure. A file is a sequence of
 * records (tensorflow/core/lib/io/record_writer.h), each an `Event` (tensorflow/core/util/event.proto) in protobuf.
 */
import { accessSync, closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Message } from '../core/protobuf.ts';
import { makeDirectory } from '../platform/node/make-directory.ts';
import type { Scalar, ScalarSink } from './settled-figures.ts';

/** Of a run id, which is long; the rest of it tells no runs of one folder apart. */
const runIdShown = 16;

/** The folder is made at once: a run that nobody can look at is refused before it. @throws system errors */
export function openTensorboard(directory: string): ScalarSink {
  makeDirectory(directory);
  accessSync(directory, constants.W_OK);
  const files = new Map<string, number>();
  const fileOf = ({ runId, node, atMs }: Scalar): number => {
    const folder = join(directory, runId.slice(-runIdShown), node);
    const known = files.get(folder);
    if (known !== undefined) return known;
    makeDirectory(folder);
    // The name is one that TensorBoard looks for, and no earlier file is written on.
    const file = openSync(join(folder, `events.out.tfevents.${Date.now()}.${process.pid}.starlings`), 'wx');
    files.set(folder, file);
    const version = new Message().double(1, atMs / 1000).text(3, 'brain.Event:2');
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

function eventOf({ round, tag, value, atMs }: Scalar): Message {
  const one = new Message().text(1, tag).float(2, value);
  const summary = new Message().message(1, one);
  return new Message()
    .double(1, atMs / 1000)
    .integer(2, round)
    .message(5, summary);
}

/** Length and data, each with a checksum behind it. */
function record({ parts }: Message): Buffer {
  const data = Buffer.concat(parts);
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
