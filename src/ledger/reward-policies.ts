/** From points to shares of whatever is paid out, by whoever pays it. */
import * as z from 'zod';
import { byId, type Described, schemaOfAll } from '../registry/registry.ts';

/** Shares are whole millionths, so that their sum is exact. */
export const shareUnits = 1_000_000;

interface RewardPolicy<Schema extends z.ZodObject = z.ZodObject> extends Described {
  readonly schema: Schema;
  readonly examples: readonly z.input<Schema>[];
  /** In words, for people. */
  readonly about: string;
  /** What each of them, in any unit, is due; `points` are none below 0. */
  claims(spec: z.output<Schema>, points: readonly number[]): readonly number[];
  /** Of the whole, the most that one may get; what is left over stays with whoever pays. */
  largest?(spec: z.output<Schema>): number;
}

function definePolicy<Schema extends z.ZodObject>(policy: RewardPolicy<Schema>): RewardPolicy<Schema> {
  return policy;
}

const proportional = definePolicy({
  id: 'proportional',
  about: 'shares as points',
  schema: z.strictObject({ id: z.literal('proportional') }),
  examples: [{ id: 'proportional' }],
  claims: (_spec, points) => points,
});

const equal = definePolicy({
  id: 'equal',
  about: 'the same for everybody with at least this part of the mean points',
  schema: z.strictObject({
    id: z.literal('equal'),
    threshold: z.number().min(0).max(1).default(0.1).describe('of the mean of the points above 0'),
  }),
  examples: [{ id: 'equal' }, { id: 'equal', threshold: 0.5 }],
  claims({ threshold }, points) {
    const earned = points.filter((each) => each > 0);
    const mean = earned.reduce((sum, each) => sum + each, 0) / Math.max(1, earned.length);
    return points.map((each) => (each > 0 && each >= threshold * mean ? 1 : 0));
  },
});

const capped = definePolicy({
  id: 'capped',
  about: 'shares as points, none above a part of the whole; what that leaves goes to the others',
  schema: z.strictObject({
    id: z.literal('capped'),
    max: z.number().min(0.001).max(1).default(0.25).describe('of the whole'),
  }),
  examples: [{ id: 'capped' }, { id: 'capped', max: 0.4 }],
  claims: (_spec, points) => points,
  largest: ({ max }) => max,
});

const squareRoot = definePolicy({
  id: 'square-root',
  about: 'shares as the square roots of points: who has four times as many gets twice as much',
  schema: z.strictObject({ id: z.literal('square-root') }),
  examples: [{ id: 'square-root' }],
  claims: (_spec, points) => points.map(Math.sqrt),
});

/** Every policy there is: one line each. */
export const rewardPolicies = [proportional, equal, capped, squareRoot] as const;

export const rewardPolicySchema = schemaOfAll(rewardPolicies);
export type RewardPolicySpec = z.infer<typeof rewardPolicySchema>;

/** Shares in whole millionths, which add up to 1,000,000 unless nobody has points or a cap leaves something over. */
export function sharesOf(spec: RewardPolicySpec, points: readonly number[]): number[] {
  const policy = byId<RewardPolicy>(rewardPolicies, spec.id);
  const claims = policy.claims(spec, points);
  const largest = policy.largest?.(spec) ?? 1;
  return wholeShares(filled(claims, largest));
}

/** Parts of 1 as the claims are, none above `largest`: whoever is cut off leaves the rest to those who are not. */
function filled(claims: readonly number[], largest: number): readonly number[] {
  const parts = claims.map(() => 0);
  let open = claims.flatMap((claim, index) => (claim > 0 ? [index] : []));
  let left = 1;
  while (open.length > 0) {
    const sum = open.reduce((total, index) => total + claims[index]!, 0);
    const partOf = (index: number): number => (left * claims[index]!) / sum;
    const cut = open.filter((index) => partOf(index) > largest);
    for (const index of cut.length > 0 ? cut : open) parts[index] = Math.min(largest, partOf(index));
    if (cut.length === 0) break;
    left -= cut.length * largest;
    open = open.filter((index) => !cut.includes(index));
  }
  return parts;
}

/** Largest remainders get the units that rounding down leaves. */
function wholeShares(parts: readonly number[]): number[] {
  const exact = parts.map((part) => part * shareUnits);
  const shares = exact.map(Math.floor);
  const due = Math.round(exact.reduce((sum, each) => sum + each, 0));
  const rest = due - shares.reduce((sum, each) => sum + each, 0);
  const byRemainder = exact
    .map((each, index) => ({ index, remainder: each - Math.floor(each) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder.slice(0, rest)) shares[index] = shares[index]! + 1;
  return shares;
}

/** `capped`, `capped:max=0.4`. Null for what names no policy. */
export function parseRewardPolicy(text: string): RewardPolicySpec | null {
  const [id = '', ...rest] = text.split(':');
  const fields = rest.join(':').split(',').filter(Boolean);
  const entries = fields.map((field): [string, unknown] => {
    const [name = '', value = ''] = field.split('=');
    return [name, value.trim() === '' ? value : Number(value)];
  });
  const parsed = rewardPolicySchema.safeParse({ ...Object.fromEntries(entries), id });
  return parsed.success ? parsed.data : null;
}

/** For people: what may be named. */
export const rewardPoliciesText = rewardPolicies.map(({ id, about }) => `${id} (${about})`).join(', ');
