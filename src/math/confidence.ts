import { mean } from './statistics.ts';

/** 97.5 % points of Student's t for 1 to 30 degrees of freedom. */
const t975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
] as const;

export interface MeanInterval {
  readonly mean: number;
  /** Half the width of the 95 % confidence interval of the mean; null for a single value. */
  readonly half: number | null;
  readonly count: number;
}

/** Mean of independent, about normal values with Student's interval. @throws RangeError on an empty list */
export function confidence(values: readonly number[]): MeanInterval {
  const centre = mean(values);
  const count = values.length;
  if (count === 1) return { mean: centre, half: null, count };
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  const t = t975[Math.min(t975.length, count - 1) - 1]!;
  return { mean: centre, half: t * Math.sqrt(squares / (count - 1) / count), count };
}
