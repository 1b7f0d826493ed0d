/** Images of any size as all of one. */
import type { Image } from './image-file.ts';
import type { Fit } from './images.ts';

export interface Size {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

/** A part of an image, in its pixels; may lie between them. */
interface Part {
  readonly from: number;
  readonly length: number;
}

/** Bytes of the image at the size, row-major with the channels innermost. */
export function fitImage(image: Image, size: Size, fit: Fit): Uint8Array {
  const { height, width, channels } = size;
  const pixels = new Float64Array(height * width * image.channels);
  const scale = { y: image.height / height, x: image.width / width };
  switch (fit) {
    case 'stretch':
      scaleInto(pixels, size, image, { from: 0, length: image.height }, { from: 0, length: image.width });
      break;
    case 'crop': {
      const step = Math.min(scale.y, scale.x);
      scaleInto(pixels, size, image, middle(image.height, step * height), middle(image.width, step * width));
      break;
    }
    case 'pad':
      scaleInto(
        pixels,
        size,
        image,
        middle(image.height, Math.max(scale.y, scale.x) * height),
        middle(image.width, Math.max(scale.y, scale.x) * width),
      );
      break;
    default:
      fit satisfies never;
  }
  return withChannels(pixels, image.channels, channels);
}

/** As long as it is to be around the middle: of what is longer a part, of what is shorter more than there is. */
function middle(whole: number, length: number): Part {
  return { from: (whole - length) / 2, length };
}

/** How much of which source pixels an output pixel is made of. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/** A middle on the very edge counts, whatever rounding made of it. */
const dust = 1e-9;

/**
 * A triangle filter as wide as an output pixel is in the source, at least one pixel (what Pillow calls BILINEAR: nothing is skipped where
 * an image shrinks). What lies beyond the image is black for an output pixel whose middle is there, and else does not count.
 */
function tapsOf(source: number, { from, length }: Part, target: number): Taps[] {
  const step = length / target;
  const radius = Math.max(1, step);
  return Array.from({ length: target }, (_, index) => {
    const centre = from + (index + 0.5) * step;
    if (centre < -dust || centre > source + dust) return { first: 0, weights: [] };
    const first = Math.max(0, Math.ceil(centre - radius - 0.5));
    const last = Math.min(source - 1, Math.floor(centre + radius - 0.5));
    const weights = Array.from({ length: last - first + 1 }, (_, tap) =>
      Math.max(0, 1 - Math.abs(first + tap + 0.5 - centre) / radius),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** Rows first, then columns: the filter is a product of both. */
function scaleInto(
  out: Float64Array,
  { height, width }: Size,
  image: Image,
  rows: Part,
  columns: Part,
): void {
  const { channels, pixels } = image;
  const across = tapsOf(image.width, columns, width);
  const down = tapsOf(image.height, rows, height);
  const line = new Float64Array(width * channels);
  const lines = new Map<number, Float64Array>();
  const lineOf = (row: number): Float64Array => {
    const known = lines.get(row);
    if (known) return known;
    line.fill(0);
    across.forEach(({ first, weights }, column) => {
      weights.forEach((weight, tap) => {
        for (let channel = 0; channel < channels; channel++) {
          line[column * channels + channel]! +=
            weight * pixels[(row * image.width + first + tap) * channels + channel]!;
        }
      });
    });
    const kept = line.slice();
    lines.set(row, kept);
    return kept;
  };
  down.forEach(({ first, weights }, row) => {
    for (const known of lines.keys()) if (known < first) lines.delete(known);
    weights.forEach((weight, tap) => {
      const source = lineOf(first + tap);
      for (let at = 0; at < source.length; at++) out[row * source.length + at]! += weight * source[at]!;
    });
  });
}

/** Luminance of ITU-R BT.601, as Pillow has it. */
function withChannels(values: Float64Array, from: 1 | 3, to: 1 | 3): Uint8Array {
  const pixels = values.length / from;
  const bytes = new Uint8Array(pixels * to);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const at = pixel * from;
    if (from === to) {
      for (let channel = 0; channel < to; channel++)
        bytes[pixel * to + channel] = round(values[at + channel]!);
    } else if (to === 1) {
      bytes[pixel] = round(0.299 * values[at]! + 0.587 * values[at + 1]! + 0.114 * values[at + 2]!);
    } else {
      bytes.fill(round(values[at]!), pixel * to, (pixel + 1) * to);
    }
  }
  return bytes;
}

function round(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
