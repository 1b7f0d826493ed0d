/** The noise that hides a whole peer in what it sends: from a generator that nobody can have again. */
import { addNormal } from '../../math/normal-noise.ts';
import { SecretStream } from './secret-stream.ts';

/** Of the system's generator: nobody can have it again. */
export function addSecretNoise(vector: Float32Array, deviation: number): void {
  addNormal(vector, { deviation, factor: 1, random: SecretStream.secret() });
}

/** The same each time for the same name, for simulations. It protects nobody. */
export function namedNoise(name: string): (vector: Float32Array, deviation: number) => void {
  let random: SecretStream | null = null;
  return (vector, deviation) => {
    random ??= SecretStream.named(name);
    addNormal(vector, { deviation, factor: 1, random });
  };
}
