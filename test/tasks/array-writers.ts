/** Files of arrays as nobody should write them, byte for byte. */

/** An `.npy` array of this dictionary and body. */
export function npy(dictionary: string, body: Uint8Array, version = 1): Buffer {
  const text = Buffer.from(`${dictionary}\n`);
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from('\x93NUMPY', 'latin1'), Buffer.of(version, 0), length, text, body]);
}

export const dictionary = (descr: string, shape: string, order = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;

export const float32 = (values: readonly number[]): Uint8Array =>
  new Uint8Array(new Float32Array(values).buffer);
