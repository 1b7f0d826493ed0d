/** Non-IID splits of one labelled set over peers. */
import type { Rng } from '../../math/rng.ts';
import { DataShapeError } from './data-error.ts';

export interface DirichletOptions {
  readonly peers: number;
  /** Concentration, > 0: 0.1 gives peers one or two classes, 100 is close to an even split. */
  readonly alpha: number;
  readonly classes: number;
  readonly rng: Rng;
  /** Least examples of every peer (default 10, as in the literature). */
  readonly examplesMin?: number;
}

/** More redraws than this mean that the wish cannot be met (guess; 32 peers at alpha 0.1 on MNIST need a few). */
const partitionDrawsMax = 1000;

/**
 * Splits the examples over `peers`: per class the proportions are drawn from Dirichlet(alpha) (Hsu, Qi, Brown:
 * "Measuring the Effects of Non-Identical Data Distribution", 2019), all anew until every peer has
 * `examplesMin`. Returns per peer its example numbers, ascending; together they are all examples, each once.
 * @throws DataShapeError where no such split was found.
 */
export function dirichletPartition(labels: ArrayLike<number>, options: DirichletOptions): Uint32Array[] {
  const { peers, alpha, classes, rng, examplesMin = 10 } = options;
  if (!(Number.isInteger(peers) && peers >= 1 && alpha > 0)) {
    throw new RangeError(
      `a split needs at least one peer and alpha above 0, not ${peers} peers and alpha ${alpha}`,
    );
  }
  if (labels.length < peers * examplesMin) {
    throw new DataShapeError(
      `${labels.length} examples cannot give ${peers} peers ${examplesMin} each: use fewer peers or more data`,
    );
  }
  const byClass = examplesByClass(labels, classes);
  for (let draw = 0; draw < partitionDrawsMax; draw++) {
    const shares = drawShares(byClass, peers, alpha, rng);
    if (shares.every((share) => share.length >= examplesMin)) {
      return shares.map((share) => Uint32Array.from(share).sort());
    }
  }
  throw new DataShapeError(
    `no split of ${labels.length} examples over ${peers} peers with alpha ${alpha} gave everyone ${examplesMin} ` +
      `in ${partitionDrawsMax} draws: raise alpha or use fewer peers`,
  );
}

function examplesByClass(labels: ArrayLike<number>, classes: number): number[][] {
  const byClass: number[][] = Array.from({ length: classes }, () => []);
  for (let index = 0; index < labels.length; index++) {
    const members = byClass[labels[index]!];
    if (members === undefined) {
      throw new DataShapeError(
        `example ${index} has the label ${labels[index]}, expected 0 to ${classes - 1}`,
      );
    }
    members.push(index);
  }
  return byClass;
}

function drawShares(byClass: readonly number[][], peers: number, alpha: number, rng: Rng): number[][] {
  const shares: number[][] = Array.from({ length: peers }, () => []);
  for (const members of byClass) {
    const shuffled = members.slice();
    rng.shuffle(shuffled);
    const proportions = rng.dirichlet(alpha, peers);
    let cumulative = 0;
    let from = 0;
    shares.forEach((share, peer) => {
      cumulative += proportions[peer]!;
      // The last peer takes the rest: proportions sum to 1 only up to rounding.
      const to =
        peer === peers - 1
          ? shuffled.length
          : Math.min(shuffled.length, Math.floor(cumulative * shuffled.length));
      for (let index = from; index < to; index++) {
        share.push(shuffled[index]!);
      }
      from = Math.max(from, to);
    });
  }
  return shares;
}
