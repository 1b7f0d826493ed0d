/** Pixels of PNG and JPEG files. */

import { inflateSync } from 'node:zlib';
import { convertIndexedToRgb, type DecodedPng, decode as decodePng } from 'fast-png';
import { decode as decodeJpeg } from 'jpeg-js';
import { reasonOf } from '../../../core/as-error.ts';
import { readPlain } from '../../../platform/node/read-plain.ts';
import { DataFileError } from '../../datasets/data-error.ts';
import { jpegPasses } from './jpeg-passes.ts';

export interface Image {
  readonly width: number;
  readonly height: number;
  /** 1: luminance, 3: red, green, blue. Transparency is left out. */
  readonly channels: 1 | 3;
  /** Row-major, height * width * channels. */
  readonly pixels: Uint8Array;
}

/** A larger file is refused before it is read: 64 MiB. */
const fileBytesMax = 1 << 26;
/** More are refused before they are decoded: a few hundred bytes may claim billions. */
const pixelsMax = 50_000_000;
/** Of a PNG: encoders make them of 8 KiB and more. */
const pngChunksMax = 1 << 16;
/** Of a JPEG: encoders make up to ten scans of three or four components. */
const jpegPassesMax = 100;
/** What a JPEG of so many pixels takes while it is decoded, in coefficients. */
const jpegMebibytesMax = 1024;

export const imageExtensions: readonly string[] = ['.png', '.jpg', '.jpeg'];

/** @throws DataFileError with the file and what to do */
export async function readImage(file: string): Promise<Image> {
  const bytes = await readPlain(file, fileBytesMax).catch((error: NodeJS.ErrnoException) => {
    throw new DataFileError(`${file}: expected an image, but it cannot be opened (${error.code})`);
  });
  if (bytes === null) {
    throw new DataFileError(`${file}: expected at most ${fileBytesMax} bytes, found more: scale it down`);
  }
  const decoder = isPng(bytes) ? png : isJpeg(bytes) ? jpeg : null;
  if (decoder === null) {
    throw new DataFileError(
      `${file}: this is neither PNG nor JPEG, whatever its name says: convert it or take it out`,
    );
  }
  try {
    return decoder(bytes);
  } catch (error) {
    const reason = reasonOf(error);
    throw new DataFileError(`${file}: this image cannot be decoded (${reason}): save it anew or take it out`);
  }
}

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function isPng(bytes: Buffer): boolean {
  return bytes.subarray(0, 8).equals(pngSignature);
}

function isJpeg(bytes: Buffer): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

function png(bytes: Buffer): Image {
  const decoded = decodePng(pixelsAlone(bytes));
  const { width, height, channels, depth, palette } = decoded;
  if (palette) return withoutAlpha(width, height, palette[0]!.length, convertIndexedToRgb(decoded));
  return withoutAlpha(width, height, channels, toBytes(decoded, depth));
}

/**
 * The chunks that make the pixels, checked: a header may claim any size, and both what is packed in it and in profiles and texts may be
 * larger by a thousand times when it is unpacked.
 */
function pixelsAlone(bytes: Buffer): Buffer {
  const kept: Buffer[] = [bytes.subarray(0, 8)];
  const packed: Buffer[] = [];
  let unpackedMax = 0;
  let chunks = 0;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const kind = bytes.toString('latin1', at + 4, at + 8);
    const end = at + 12 + length;
    if (end > bytes.length) throw new Error('it is cut off');
    if (++chunks > pngChunksMax) throw new Error(`it has more than ${pngChunksMax} chunks`);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') unpackedMax = unpackedBytesMax(body);
    if (kind === 'IDAT') packed.push(body);
    if (['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'].includes(kind)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  if (unpackedMax === 0) throw new Error('it has no header');
  try {
    inflateSync(Buffer.concat(packed), { maxOutputLength: unpackedMax });
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new Error(tooLarge ? 'it unpacks to more than its size says' : 'its pixels cannot be unpacked');
  }
  return Buffer.concat(kept);
}

function unpackedBytesMax(header: Buffer): number {
  if (header.length !== 13) throw new Error('its header is not one');
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  checkSize(width, height);
  // Four channels of 16 bits; interlacing takes up to eight more bytes for filters a row.
  return height * (8 * width + 16) + 1024;
}

function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1 || width * height > pixelsMax) {
    throw new Error(`${width} x ${height} pixels, expected 1 to ${pixelsMax}`);
  }
}

/** One byte a value, whatever the depth. */
function toBytes({ data, width, height, channels }: DecodedPng, depth: number): Uint8Array {
  if (depth === 8) return Uint8Array.from(data);
  if (depth === 16) {
    // Not `Uint8Array.from`: it makes a list of all values first, and of those that an image may have none fits the heap.
    const values = new Uint8Array(data.length);
    for (let at = 0; at < data.length; at++) values[at] = Math.round(data[at]! / 257);
    return values;
  }
  // Several a byte, each row from a byte on; only grey has them without a palette.
  const rowBytes = Math.ceil((width * depth) / 8);
  const most = 2 ** depth - 1;
  const values = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const bit = column * depth;
      const byte = data[row * rowBytes + (bit >> 3)]!;
      values[row * width + column] = (((byte >> (8 - depth - (bit & 7))) & most) * 255) / most;
    }
  }
  return values;
}

function jpeg(bytes: Buffer): Image {
  const passes = jpegPasses(bytes);
  if (passes > jpegPassesMax)
    throw new Error(`${passes} passes over its pixels, expected at most ${jpegPassesMax}`);
  const { width, height, data } = decodeJpeg(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: false,
    maxResolutionInMP: pixelsMax / 1e6,
    maxMemoryUsageInMB: jpegMebibytesMax,
  });
  checkSize(width, height);
  return { width, height, channels: 3, pixels: data };
}

function withoutAlpha(width: number, height: number, channels: number, values: ArrayLike<number>): Image {
  const kept = channels < 3 ? 1 : 3;
  const pixels = new Uint8Array(width * height * kept);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < kept; channel++) {
      pixels[pixel * kept + channel] = values[pixel * channels + channel]!;
    }
  }
  return { width, height, channels: kept, pixels };
}
