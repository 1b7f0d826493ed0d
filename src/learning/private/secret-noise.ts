/** The noise that hides a whole peer in what it sends: from a generator that nobody can have again. */
import { SecretStream } from './secret-stream.ts';

/** From (0, 1): 53 bits and a half. */
function uniform(stream: SecretStream): number {
  const [high, low] = [stream.uint32() >>> 5, stream.uint32() >>> 6];
  return (high * 2 ** 26 + low + 0.5) / 2 ** 53;
}

/** Adds normal noise of this deviation to every number, in doubles (Box, Muller 1958). */
function addNoise(vector: Float32Array, deviation: number, stream: SecretStream): void {
  for (let at = 0; at < vector.length; at += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(uniform(stream)));
    const angle = 2 * Math.PI * uniform(stream);
    vector[at] = vector[at]! + radius * Math.cos(angle);
    if (at + 1 < vector.length) vector[at + 1] = vector[at + 1]! + radius * Math.sin(angle);
  }
}

/** Of the system's generator: nobody can have it again. */
export function addSecretNoise(vector: Float32Array, deviation: number): void {
  addNoise(vector, deviation, SecretStream.secret());
}

/** The same each time for the same name, for simulations. It protects nobody. */
export function namedNoise(name: string): (vector: Float32Array, deviation: number) => void {
  let stream: SecretStream | null = null;
  return (vector, deviation) => {
    stream ??= SecretStream.named(name);
    addNoise(vector, deviation, stream);
  };
}
