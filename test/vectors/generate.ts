/**
 * Writes sparse-sign.json next to this file: test vectors that an implementation in another language can read.
 * Run it after a deliberate change of the format (`node test/vectors/generate.ts`) and review the difference;
 * a test holds the file against this script.
 */
import { writeFileSync } from 'node:fs';
import { type SparseSignOptions, sparseSignCodec } from '../../src/codec/sparse-sign-codec.ts';

export interface AcceptedVector extends SparseSignOptions {
  readonly name: string;
  /** Exactly representable as float32, `size` of them. */
  readonly input: readonly number[];
  readonly scaleCodes: readonly number[];
  readonly indices: readonly number[];
  readonly signs: readonly number[];
  /** The body in hexadecimal. */
  readonly body: string;
}

export interface RejectedVector extends SparseSignOptions {
  readonly reason: string;
  readonly body: string;
}

export interface SparseSignVectors {
  readonly about: string;
  readonly accepted: readonly AcceptedVector[];
  readonly rejected: readonly RejectedVector[];
}

const small: SparseSignOptions = { size: 16, chunk: 16, perChunk: 2 };
const shortLast: SparseSignOptions = { size: 21, chunk: 8, perChunk: 3 };

/** Float32 values of both signs and many magnitudes from the linear congruential step of Numerical Recipes. */
function pseudoRandom(size: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround(((state / 2 ** 32 - 0.5) * 2) ** 3);
  });
}

const inputs: readonly (SparseSignOptions & { readonly name: string; readonly input: readonly number[] })[] =
  [
    { name: 'one chunk', ...small, input: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0.5] },
    { name: 'all zero: empty chunks and no bit stream', ...shortLast, input: new Array<number>(21).fill(0) },
    {
      name: 'ties go to the lower index',
      size: 8,
      chunk: 8,
      perChunk: 3,
      input: [1, -2, 2, -1, 1, 1, -1, 1],
    },
    { name: 'zeros fill up, as positive', size: 8, chunk: 8, perChunk: 3, input: [0, 0, 0, 0, 0, -3, 0, 0] },
    {
      name: 'an empty chunk between others and a shorter last one',
      ...shortLast,
      input: [0.5, -0.25, 0, 1, 0, 0, -2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.001, -0.002, 0.004, 0, -0.003],
    },
    {
      name: 'every coordinate is sent: Rice parameter 0',
      size: 9,
      chunk: 9,
      perChunk: 9,
      input: [1, -1, 1, -1, 1, -1, 1, -1, -1],
    },
    {
      name: 'a quotient longer than a byte',
      size: 64,
      chunk: 64,
      perChunk: 16,
      input: Array.from({ length: 64 }, (_, i) => (i >= 48 ? -1 : 0)),
    },
    { name: 'half of the smallest magnitude is code 1', size: 1, chunk: 1, perChunk: 1, input: [2 ** -27] },
    { name: 'less than that is an empty chunk', size: 1, chunk: 1, perChunk: 1, input: [2 ** -28] },
    { name: 'clamped to code 224', size: 2, chunk: 1, perChunk: 1, input: [1000, -(2 ** 100)] },
    { name: 'pseudo-random', size: 150, chunk: 64, perChunk: 5, input: pseudoRandom(150, 1) },
  ];

/**
 * For `small`, each one step away from the valid d1e240: code 209, then with Rice parameter 2 the indices 3 (+)
 * and 12 (-) as the bits 1.11.0 001.00.1 and padding.
 */
const rejected: readonly RejectedVector[] = [
  { ...small, reason: 'no bytes at all', body: '' },
  { ...small, reason: 'ends before its bit stream', body: 'd1' },
  { ...small, reason: 'ends within its bit stream', body: 'd1e2' },
  { ...small, reason: 'a byte too many', body: 'd1e24000' },
  { ...small, reason: 'scale code 225 is invalid', body: 'e1e240' },
  { ...small, reason: 'scale code 255 is invalid', body: 'ffe240' },
  { ...small, reason: 'an empty chunk with a bit stream', body: '00e240' },
  { ...small, reason: 'padding is not zero', body: 'd1e241' },
  { ...small, reason: 'the quotient puts the second index outside the chunk (3, 16)', body: 'd1e100' },
  {
    ...small,
    reason: 'the remainder of the first index leaves no room for the second (15, 16)',
    body: 'd11d00',
  },
  { ...small, reason: 'a run of zeros to the end', body: 'd10000' },
  { ...small, reason: 'longer than any body', body: `d1${'00'.repeat(20)}` },
  { ...shortLast, reason: 'fewer bytes than chunks', body: '0000' },
  { ...shortLast, reason: 'all chunks empty, and a byte more', body: '00000000' },
];

export function sparseSignVectors(): SparseSignVectors {
  return {
    about:
      'sparse-sign codec, format in src/codec/sparse-sign-codec.ts. accepted: select(input) has these scale codes, ' +
      'global indices and signs; encode gives body (hexadecimal); decode(body) gives them back. ' +
      'rejected: decode must refuse body.',
    accepted: inputs.map((vector) => {
      const codec = sparseSignCodec(vector);
      const delta = codec.select(Float32Array.from(vector.input));
      const { name, size, chunk, perChunk, input } = vector;
      return {
        name,
        size,
        chunk,
        perChunk,
        input,
        scaleCodes: [...delta.scaleCodes],
        indices: [...delta.indices],
        signs: [...delta.signs],
        body: Buffer.from(codec.encode(delta)).toString('hex'),
      };
    }),
    rejected,
  };
}

/** One line per vector, so that a change shows in a diff where it is. */
export function formatVectors(vectors: SparseSignVectors): string {
  const lines = (list: readonly object[]) =>
    list.map((vector) => `    ${JSON.stringify(vector)}`).join(',\n');
  return `{
  "about": ${JSON.stringify(vectors.about)},
  "accepted": [
${lines(vectors.accepted)}
  ],
  "rejected": [
${lines(vectors.rejected)}
  ]
}
`;
}

if (import.meta.main) {
  writeFileSync(new URL('sparse-sign.json', import.meta.url), formatVectors(sparseSignVectors()));
}
