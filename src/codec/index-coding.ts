/** How k ascending places out of n are written: three codes, one canonical encoding each. */
import type { BitReader, BitWriter } from './bits.ts';
import { CodecError } from './delta-codec.ts';
import { riceParameter } from './rice.ts';

export type IndexCoding = 'rice' | 'fixed' | 'bitmap';

/** rice: gaps in Rice's code. fixed: ceil(log2 n) bits each (12 for 4096, as Templar). bitmap: n bits. */
export function writeIndices(
  writer: BitWriter,
  coding: IndexCoding,
  indices: readonly number[],
  n: number,
): void {
  switch (coding) {
    case 'rice': {
      const parameter = riceParameter(n, indices.length);
      let next = 0;
      for (const index of indices) {
        const gap = index - next;
        for (let i = 0; i < gap >> parameter; i++) writer.bit(1);
        writer.bit(0);
        writer.bits(gap, parameter);
        next = index + 1;
      }
      return;
    }
    case 'fixed':
      for (const index of indices) writer.bits(index, fixedBits(n));
      return;
    case 'bitmap': {
      const chosen = new Set(indices);
      for (let i = 0; i < n; i++) writer.bit(chosen.has(i) ? 1 : 0);
      return;
    }
    default:
      coding satisfies never;
  }
}

/** @throws CodecError where they are not k ascending places below n */
export function readIndices(reader: BitReader, coding: IndexCoding, k: number, n: number): number[] {
  const indices: number[] = [];
  switch (coding) {
    case 'rice': {
      const parameter = riceParameter(n, k);
      let next = 0;
      for (let i = 0; i < k; i++) {
        let high = 0;
        while (reader.bit() === 1)
          if (++high << parameter >= n) throw new CodecError('a gap leaves its chunk');
        next += high * 2 ** parameter + reader.bits(parameter);
        if (next >= n) throw new CodecError('a gap leaves its chunk');
        indices.push(next++);
      }
      return indices;
    }
    case 'fixed':
      for (let i = 0; i < k; i++) {
        const index = reader.bits(fixedBits(n));
        if (index >= n || index <= (indices.at(-1) ?? -1)) throw new CodecError('places do not ascend');
        indices.push(index);
      }
      return indices;
    case 'bitmap':
      for (let i = 0; i < n; i++) if (reader.bit() === 1) indices.push(i);
      if (indices.length !== k)
        throw new CodecError(`the bitmap has ${indices.length} places in place of ${k}`);
      return indices;
  }
}

export function indexBitsMax(coding: IndexCoding, k: number, n: number): number {
  switch (coding) {
    case 'rice': {
      const parameter = riceParameter(n, k);
      return k * (1 + parameter) + Math.ceil(n / 2 ** parameter);
    }
    case 'fixed':
      return k * fixedBits(n);
    case 'bitmap':
      return n;
  }
}

function fixedBits(n: number): number {
  return Math.max(1, Math.ceil(Math.log2(n)));
}

/** log2 of n over k: what k places out of n say. */
export function indexInformation(n: number, k: number): number {
  let bits = 0;
  for (let i = 1; i <= k; i++) bits += Math.log2((n - k + i) / i);
  return bits;
}
