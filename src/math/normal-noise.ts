/** Normal noise by the ziggurat (Marsaglia, Tsang 2000), with layers of their own bits (Doornik, "An improved ziggurat method", 2005). */

/** Where chance comes from. */
export interface RandomWords {
  /** Overwrites all words with new ones. */
  fill(words: Uint32Array): void;
  /** One more. */
  uint32(): number;
}

export interface NormalNoise {
  readonly deviation: number;
  /** Of the sum with the noise. */
  readonly factor: number;
  readonly random: RandomWords;
}

/** (x + deviation times standard normal numbers) times factor, in doubles, in place. */
export function addNormal(sum: Float32Array, noise: NormalNoise): void {
  const { deviation, factor } = noise;
  addInBlocks(sum, noise, new Uint32Array(Math.min(blockWords, 2 * sum.length)), (at, next, count, words) => {
    for (let done = 0; done < count; done++) {
      const [low, high] = [words[next + 2 * done]!, words[next + 2 * done + 1]!];
      const place = placeOf(low, high);
      const layer = low & 127;
      if (Math.abs(place) >= ratios[layer]!) return done;
      sum[at + done] = (sum[at + done]! + deviation * place * edges[layer]!) * factor;
    }
    return count;
  });
}

/** Words that are drawn at once. */
export const blockWords = 16_384;

/**
 * Goes over `sum` with `words`, two for each number, and new ones as often as they are used up. `addInside` adds to the numbers from `at` by
 * the words from `next`, to as many as `count`, and says how many it did: it stops at the first that falls outside of the layers' insides.
 */
export function addInBlocks(
  sum: Float32Array,
  { deviation, factor, random }: NormalNoise,
  words: Uint32Array,
  addInside: (at: number, next: number, count: number, words: Uint32Array) => number,
): void {
  let next = words.length;
  for (let at = 0; at < sum.length; ) {
    if (next === words.length) {
      random.fill(words);
      next = 0;
    }
    const count = Math.min(sum.length - at, (words.length - next) / 2);
    const done = addInside(at, next, count, words);
    at += done;
    next += 2 * done;
    if (done === count) continue;
    const normal = atEdge(words[next]!, words[next + 1]!, random);
    next += 2;
    if (normal === null) continue;
    sum[at] = (sum[at]! + deviation * normal) * factor;
    at += 1;
  }
}

const layers = 128;
/** Where the tail begins, and the area of each layer, for 128 of them. */
const tail = 3.442619855899;
const area = 9.91256303526217e-3;

/** Right edges of the layers, from the widest, and their ratios to those of the layer above. */
export const [edges, ratios] = ziggurat();

function ziggurat(): [Float64Array, Float64Array] {
  const x = new Float64Array(layers + 1);
  let height = Math.exp(-0.5 * tail * tail);
  x[0] = area / height;
  x[1] = tail;
  for (let layer = 2; layer < layers; layer++) {
    x[layer] = Math.sqrt(-2 * Math.log(area / x[layer - 1]! + height));
    height = Math.exp(-0.5 * x[layer]! * x[layer]!);
  }
  x[layers] = 0;
  return [x, Float64Array.from({ length: layers }, (_, layer) => x[layer + 1]! / x[layer]!)];
}

const [two21, unit] = [2 ** 21, 2 ** -53];

/** In (-1, 1), by 53 bits: those that do not name the layer. */
function placeOf(low: number, high: number): number {
  return ((high | 0) * two21 + (low >>> 11) + 0.5) * 2 * unit;
}

/** A number of the part of a layer that the one above does not cover, or of the tail; null where it has to be drawn again. */
function atEdge(low: number, high: number, random: RandomWords): number | null {
  const layer = low & 127;
  const place = placeOf(low, high);
  if (layer === 0) return place < 0 ? -fromTail(random) : fromTail(random);
  const x = place * edges[layer]!;
  const [outer, inner] = [edges[layer]!, edges[layer + 1]!];
  const top = Math.exp(-0.5 * (outer * outer - x * x));
  const bottom = Math.exp(-0.5 * (inner * inner - x * x));
  return bottom + uniform(random) * (top - bottom) < 1 ? x : null;
}

/** Beyond the widest layer (Marsaglia 1964). */
function fromTail(random: RandomWords): number {
  for (;;) {
    const x = Math.log(uniform(random)) / tail;
    const y = Math.log(uniform(random));
    if (-2 * y >= x * x) return tail - x;
  }
}

/** Uniform in (0, 1), by 53 bits. */
function uniform(random: RandomWords): number {
  return (random.uint32() * two21 + (random.uint32() >>> 11) + 0.5) * unit;
}
