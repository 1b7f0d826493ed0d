/** How far people agree who gave the same things values: chance-corrected, 1 where they always do, 0 where they do as often as by chance. */

/** One thing: what each who gave it a value gave. */
export type Unit<Value> = readonly Value[];

/** How far two values are apart, squared: 0 for equal ones. `share`: how often each value was given in all, in their order. */
type Distance = (a: number, b: number, share: readonly number[]) => number;

export type Metric = 'nominal' | 'ordinal' | 'interval';

/** Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011. Values are numbers of categories, in their order. */
const distances: Readonly<Record<Metric, Distance>> = {
  nominal: (a, b) => (a === b ? 0 : 1),
  interval: (a, b) => (a - b) ** 2,
  ordinal(a, b, share) {
    const [low, high] = a < b ? [a, b] : [b, a];
    let between = 0;
    for (let value = low; value <= high; value++) between += share[value]!;
    return a === b ? 0 : (between - (share[low]! + share[high]!) / 2) ** 2;
  },
};

/**
 * Krippendorff's alpha of values 0 to `values` - 1, for any number of people, whatever is missing: units with one value or none say nothing.
 * Null where nothing can be told: no unit has two values, or all values are the same.
 */
export function krippendorffAlpha(
  units: readonly Unit<number>[],
  values: number,
  metric: Metric,
): number | null {
  const paired = units.filter((unit) => unit.length > 1);
  const share = countsOf(paired.flat(), values);
  const given = share.reduce((sum, count) => sum + count, 0);
  const apart = distances[metric];
  let observed = 0;
  for (const unit of paired) {
    const within = countsOf(unit, values);
    observed += pairsApart(within, (a, b) => apart(a, b, share)) / (unit.length - 1);
  }
  const expected = pairsApart(share, (a, b) => apart(a, b, share)) / (given - 1);
  return given > 1 && expected > 0 ? 1 - observed / expected : null;
}

/**
 * Fleiss' kappa (Fleiss, "Measuring nominal scale agreement among many raters", 1971), each unit by as many as gave it a value. Null as of alpha.
 */
export function fleissKappa(units: readonly Unit<number>[], values: number): number | null {
  const paired = units.filter((unit) => unit.length > 1);
  if (paired.length === 0) return null;
  const share = countsOf(paired.flat(), values);
  const given = share.reduce((sum, count) => sum + count, 0);
  const agreed = paired.map((unit) => {
    const same = countsOf(unit, values).reduce((sum, count) => sum + count * (count - 1), 0);
    return same / (unit.length * (unit.length - 1));
  });
  const observed = agreed.reduce((sum, each) => sum + each, 0) / paired.length;
  return corrected(
    observed,
    share.reduce((sum, count) => sum + (count / given) ** 2, 0),
  );
}

/** Cohen's kappa of two people (Cohen, "A coefficient of agreement for nominal scales", 1960): what each of them gave the same things. Null as of alpha. */
export function cohenKappa(pairs: readonly (readonly [number, number])[], values: number): number | null {
  if (pairs.length === 0) return null;
  const [one, other] = [0, 1].map((who) =>
    countsOf(
      pairs.map((pair) => pair[who]!),
      values,
    ),
  ) as [number[], number[]];
  const observed = pairs.filter(([a, b]) => a === b).length / pairs.length;
  const byChance = one.reduce((sum, count, value) => sum + count * other[value]!, 0) / pairs.length ** 2;
  return corrected(observed, byChance);
}

function corrected(observed: number, byChance: number): number | null {
  return byChance < 1 ? (observed - byChance) / (1 - byChance) : null;
}

function countsOf(given: readonly number[], values: number): number[] {
  const counts = new Array<number>(values).fill(0);
  for (const value of given) counts[value]! += 1;
  return counts;
}

/** Over ordered pairs of two different things that have these values. */
function pairsApart(counts: readonly number[], apart: (a: number, b: number) => number): number {
  let sum = 0;
  for (const [a, many] of counts.entries()) {
    for (const [b, others] of counts.entries()) {
      if (a !== b && many > 0 && others > 0) sum += many * others * apart(a, b);
    }
  }
  return sum;
}
