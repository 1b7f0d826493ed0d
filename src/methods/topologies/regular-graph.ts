import type { Rng } from '../../math/rng.ts';
import type { Graph } from './topology.ts';

/** Draws until it succeeds; each try does with positive probability. Guess at what is never needed. */
const triesMax = 10_000;

/**
 * A random graph in which everybody has `degree` neighbours, by pairing ends of edges at random and drawing again those that
 * would close a loop or repeat an edge (Steger, Wormald: "Generating random regular graphs quickly", 1999). degree * peers
 * must be even and degree below peers. A connected one is drawn where degree is at least 2.
 */
export function drawRegularGraph(peers: number, degree: number, rng: Rng): Graph {
  for (let attempt = 0; attempt < triesMax; attempt++) {
    // The complement of a dense one is sparse, and pairing finds it at once.
    const isDense = degree > (peers - 1) / 2 && ((peers - 1 - degree) * peers) % 2 === 0;
    const graph = isDense
      ? complementOf(tryToPair(peers, peers - 1 - degree, rng))
      : tryToPair(peers, degree, rng);
    if (graph && (degree < 2 || isConnected(graph))) return graph;
  }
  throw new RangeError(`found no connected graph of ${peers} peers with ${degree} neighbours each`);
}

function tryToPair(peers: number, degree: number, rng: Rng): Set<number>[] | null {
  const graph = Array.from({ length: peers }, () => new Set<number>());
  let ends = Array.from({ length: peers * degree }, (_, k) => Math.floor(k / degree));
  while (ends.length > 0) {
    rng.shuffle(ends);
    const left: number[] = [];
    for (let k = 0; k + 1 < ends.length; k += 2) {
      const [a, b] = [ends[k]!, ends[k + 1]!];
      if (a === b || graph[a]!.has(b)) left.push(a, b);
      else {
        graph[a]!.add(b);
        graph[b]!.add(a);
      }
    }
    if (left.length === ends.length && !canGoOn(left, graph)) return null;
    ends = left;
  }
  return graph;
}

function canGoOn(ends: readonly number[], graph: readonly Set<number>[]): boolean {
  return ends.some((a) => ends.some((b) => a !== b && !graph[a]!.has(b)));
}

function complementOf(graph: readonly ReadonlySet<number>[] | null): Set<number>[] | null {
  return (
    graph?.map((neighbours, i) => {
      const others = new Set(graph.map((_, j) => j));
      others.delete(i);
      for (const j of neighbours) others.delete(j);
      return others;
    }) ?? null
  );
}

function isConnected(graph: Graph): boolean {
  const seen = new Set([0]);
  for (const peer of seen) for (const other of graph[peer]!) seen.add(other);
  return seen.size === graph.length;
}
