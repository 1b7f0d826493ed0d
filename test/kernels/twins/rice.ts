/** The readable twin of the Rice coder: one bit after the other. */
import type { RiceChunk } from '../../../src/kernels/rice-stream.ts';
import type { BitReader, BitWriter } from './bits.ts';

export function writeChunk(
  writer: BitWriter,
  indices: Uint32Array,
  signs: Int8Array,
  { start, riceBits }: RiceChunk,
): void {
  let previous = start - 1;
  indices.forEach((index, i) => {
    const gap = index - previous - 1;
    writer.writeZeros(gap >> riceBits);
    writer.write(1, 1);
    writer.write(gap & ((1 << riceBits) - 1), riceBits);
    writer.write(signs[i]! < 0 ? 1 : 0, 1);
    previous = index;
  });
}

/** @throws CodecError for what no writer wrote */
export function readChunk(
  reader: BitReader,
  count: number,
  { start, end, riceBits }: RiceChunk,
): { indices: number[]; signs: number[] } {
  const [indices, signs]: [number[], number[]] = [[], []];
  let previous = start - 1;
  for (let left = count; left > 0; left--) {
    const gapMax = end - left - previous - 1;
    const quotient = reader.readZeros(gapMax >> riceBits);
    const gap = (quotient << riceBits) | reader.read(riceBits);
    if (gap > gapMax) throw new Error('a gap leaves its chunk');
    previous += gap + 1;
    indices.push(previous);
    signs.push(1 - 2 * reader.read(1));
  }
  return { indices, signs };
}
