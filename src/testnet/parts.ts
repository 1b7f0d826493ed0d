/** A testnet whose nodes were told to refuse each other: who refuses whom, and what is in one piece still. Pure. */
import { amount } from '../node/words/amount.ts';
import type { NodeObservation } from './observe.ts';
import { TestnetError } from './testnet-error.ts';

/**
 * By name of each node those that it refuses: all with which it shares no side. Of one side the others are the other one; who is named
 * on several holds them together. @throws TestnetError
 */
export function refusalsOf(
  sides: readonly (readonly string[])[],
  nodes: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const strangers = sides.flat().filter((name) => !nodes.includes(name));
  if (strangers.length > 0) {
    throw new TestnetError(
      'BAD_PARTS',
      `this testnet has no node ${strangers.join(', ')}; it has ${nodes.join(', ')} (bootstraps carry no run and stay with all)`,
    );
  }
  const rest = nodes.filter((name) => !sides.flat().includes(name));
  if (sides.length > 1 && rest.length > 0) {
    throw new TestnetError(
      'BAD_PARTS',
      `${rest.join(', ')}: on no side; name each node on one, or one side alone`,
    );
  }
  const all = sides.length === 1 ? [...sides, rest] : sides;
  const refusals = new Map(
    nodes.map((name) => {
      const near = new Set(all.filter((side) => side.includes(name)).flat());
      return [name, nodes.filter((other) => !near.has(other))] as const;
    }),
  );
  if ([...refusals.values()].every((refused) => refused.length === 0))
    throw new TestnetError(
      'BAD_PARTS',
      'with all nodes on one side nothing is parted: name fewer, or more sides',
    );
  return refusals;
}

type Seen = Pick<NodeObservation, 'name' | 'alive'> & {
  readonly view: { readonly peerKey: string; readonly refusing: readonly string[] } | null;
};

/** The pieces of what runs, by names of nodes, and how many pairs of nodes have no connection by order. */
export function partsOf(nodes: readonly Seen[]): {
  readonly parts: readonly (readonly string[])[];
  readonly pairs: number;
} {
  const here = nodes.flatMap(({ name, alive, view }) => (alive && view !== null ? [{ name, ...view }] : []));
  const isApart = (a: (typeof here)[number], b: (typeof here)[number]): boolean =>
    a.refusing.includes(b.peerKey) || b.refusing.includes(a.peerKey);
  const pairs = here.flatMap((a, at) => here.slice(at + 1).filter((b) => isApart(a, b))).length;
  const parts: string[][] = [];
  let left = here;
  while (left.length > 0) {
    const part = [left[0]!];
    for (const member of part) {
      part.push(...left.filter((other) => !part.includes(other) && !isApart(member, other)));
    }
    left = left.filter((other) => !part.includes(other));
    parts.push(part.map(({ name }) => name));
  }
  return { parts, pairs };
}

/** Null where nobody refuses anybody. */
export function partsText(nodes: readonly Seen[]): string | null {
  const { parts, pairs } = partsOf(nodes);
  if (pairs === 0) return null;
  return parts.length > 1
    ? `parted: ${parts.map((names) => names.join(' ')).join(' | ')}`
    : `parted: ${amount(pairs, 'pair')} of nodes, and others hold them together`;
}
