/**
 * A secret among many, of whom a threshold can put it together again and fewer learn nothing (Shamir, "How to share a secret", 1979):
 * values of a random polynomial over the integers modulo 2^255 - 19, at the points 1, 2, ..., with the secret at 0.
 */

/** A prime just above the secrets of X25519 (Bernstein 2006). */
const fieldPrime = 2n ** 255n - 19n;

/** A value of the polynomial. */
export interface Share {
  /** 1 or more. */
  readonly point: number;
  readonly value: bigint;
}

/** `coefficients`: uniformly random elements of the field, one fewer than the threshold, used for this secret alone. */
export function sharesOf(secret: bigint, coefficients: readonly bigint[], points: number): bigint[] {
  return Array.from({ length: points }, (_, index) => {
    const x = BigInt(index + 1);
    const above = coefficients.reduceRight((sum, coefficient) => (sum * x + coefficient) % fieldPrime, 0n);
    return (above * x + secret) % fieldPrime;
  });
}

/** The value at 0 of the polynomial of least degree through these; their points differ. */
export function secretOf(shares: readonly Share[]): bigint {
  let secret = 0n;
  for (const { point, value } of shares) {
    let [over, under] = [1n, 1n];
    for (const other of shares) {
      if (other.point === point) continue;
      over = (over * BigInt(other.point)) % fieldPrime;
      under = (under * BigInt(other.point - point)) % fieldPrime;
    }
    secret = (secret + value * over * inverseOf(modulo(under))) % fieldPrime;
  }
  return modulo(secret);
}

const modulo = (value: bigint): bigint => ((value % fieldPrime) + fieldPrime) % fieldPrime;

/** By Euclid's algorithm; `value` is not 0. */
function inverseOf(value: bigint): bigint {
  let [a, b, x, y] = [value, fieldPrime, 1n, 0n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return modulo(x);
}

/** 32 bytes, big endian. */
export function fieldBytes(element: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  let rest = element;
  for (let at = 31; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 255n);
  return bytes;
}

/** Null for 32 bytes that are no element of the field. */
export function fieldElement(bytes: Uint8Array): bigint | null {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value < fieldPrime ? value : null;
}
