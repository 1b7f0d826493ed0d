/** Who is connected to whom, as compressed sparse rows: 100,000 peers of degree 12 fit in 5 MB. */
import type { Rng } from '../../src/math/rng.ts';

/** An undirected graph: peer p is joined to `neighbours[starts[p]] .. neighbours[starts[p + 1] - 1]`, ascending. */
export interface Graph {
  readonly peers: number;
  readonly starts: Uint32Array;
  readonly neighbours: Uint32Array;
}

export class NetworkGraphError extends Error {
  override readonly name = 'NetworkGraphError';
  readonly code = 'NO_TOPOLOGY';
}

const attemptsMax = 100;
const switchesMax = 1000;
const replacementTries = 20;

/**
 * A connected graph in which every peer has `degree` neighbours (one peer has one fewer where the product of
 * peers and degree is odd); complete where `degree` is at least `peers - 1`. Pairing model with edge
 * switching for loops and double edges (McKay and Wormald, "Uniform generation of random regular graphs of
 * moderate degree", 1990), drawn again until connected.
 * @throws TopologyError where no connected graph turns up, as for most peers at degree 1 or 2
 */
export function connectivityGraph(peers: number, degree: number, rng: Rng): Graph {
  if (degree >= peers - 1) return graphOf(peers, completeEdges(peers));
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const edges = regularEdges(peers, degree, rng);
    if (!edges) continue;
    const graph = graphOf(peers, edges);
    if (isConnected(graph)) return graph;
  }
  throw new NetworkGraphError(
    `no connected graph of ${peers} peers with ${degree} neighbours each was found; raise the degree`,
  );
}

/** The position of the link from `from` to `to` in `graph.neighbours`, or -1 where there is none. */
export function linkIndex(graph: Graph, from: number, to: number): number {
  let low = graph.starts[from]!;
  let high = graph.starts[from + 1]! - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const neighbour = graph.neighbours[middle]!;
    if (neighbour === to) return middle;
    if (neighbour < to) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

export function neighboursOf(graph: Graph, peer: number): Uint32Array {
  return graph.neighbours.subarray(graph.starts[peer]!, graph.starts[peer + 1]!);
}

export function isConnected(graph: Graph): boolean {
  const seen = new Uint8Array(graph.peers);
  const open = [0];
  seen[0] = 1;
  let reached = 0;
  for (let peer = open.pop(); peer !== undefined; peer = open.pop()) {
    reached++;
    for (const neighbour of neighboursOf(graph, peer)) {
      if (seen[neighbour]) continue;
      seen[neighbour] = 1;
      open.push(neighbour);
    }
  }
  return reached === graph.peers;
}

/** Ends of edge e: `ends[2 e]` and `ends[2 e + 1]`. */
function completeEdges(peers: number): Uint32Array {
  const ends = new Uint32Array(peers * (peers - 1));
  let at = 0;
  for (let a = 0; a < peers; a++) {
    for (let b = a + 1; b < peers; b++) {
      ends[at++] = a;
      ends[at++] = b;
    }
  }
  return ends;
}

/** One draw of the pairing model with its loops and double edges switched away; null where that fails. */
function regularEdges(peers: number, degree: number, rng: Rng): Uint32Array | null {
  const stubs = new Uint32Array(peers * degree - ((peers * degree) % 2));
  for (let i = 0; i < stubs.length; i++) stubs[i] = Math.floor(i / degree);
  rng.shuffle(stubs);
  const name = (a: number, b: number) => (a < b ? a * peers + b : b * peers + a);
  const present = new Set<number>();
  const bad: number[] = [];
  for (let at = 0; at < stubs.length; at += 2) {
    const edge = name(stubs[at]!, stubs[at + 1]!);
    if (stubs[at] === stubs[at + 1] || present.has(edge)) bad.push(at);
    else present.add(edge);
  }
  const isBad = new Set(bad);
  for (const at of bad) {
    if (!switchEdge(stubs, at, isBad, present, name, rng)) return null;
    isBad.delete(at);
  }
  return stubs;
}

/** Replaces the bad edge (a, b) and a random good one (c, d) by (a, c) and (b, d). */
function switchEdge(
  ends: Uint32Array,
  at: number,
  isBad: ReadonlySet<number>,
  present: Set<number>,
  name: (a: number, b: number) => number,
  rng: Rng,
): boolean {
  for (let tries = 0; tries < switchesMax; tries++) {
    const other = 2 * rng.int(ends.length / 2);
    if (isBad.has(other)) continue;
    const [a, b, c, d] = [ends[at]!, ends[at + 1]!, ends[other]!, ends[other + 1]!];
    const [first, second] = [name(a, c), name(b, d)];
    if (a === c || b === d || first === second || present.has(first) || present.has(second)) continue;
    present.delete(name(c, d));
    present.add(first).add(second);
    ends[at + 1] = c;
    ends[other] = b;
    return true;
  }
  return false;
}

/**
 * The graph without the links that cannot be, with others in their place: each end of one connects to a peer that
 * everyone reaches instead, drawn at random. Such peers so have more links than the rest, as they do in the world.
 * null where that leaves some peers cut off.
 */
export function reachableGraph(
  graph: Graph,
  canConnect: (a: number, b: number) => boolean,
  open: readonly number[],
  rng: Rng,
): Graph | null {
  const kept = Array.from({ length: graph.peers }, () => new Set<number>());
  const link = (a: number, b: number): void => {
    kept[a]!.add(b);
    kept[b]!.add(a);
  };
  const cut: number[] = [];
  for (let a = 0; a < graph.peers; a++) {
    for (const b of neighboursOf(graph, a)) {
      if (canConnect(a, b)) link(a, b);
      else cut.push(a);
    }
  }
  for (const peer of cut) {
    for (let tries = 0; open.length > 0 && tries < replacementTries; tries++) {
      const other = open[rng.int(open.length)]!;
      if (other === peer || kept[peer]!.has(other)) continue;
      link(peer, other);
      break;
    }
  }
  const ends = kept.flatMap((others, a) => [...others].filter((b) => b > a).flatMap((b) => [a, b]));
  const reachable = graphOf(graph.peers, Uint32Array.from(ends));
  return isConnected(reachable) ? reachable : null;
}

/**
 * The graph after an eclipse: each victim loses its links and gets up to `degree` links to its attackers instead. The others
 * keep theirs: whether they stay connected among themselves does not matter to an attacker.
 */
export function eclipsedGraph(
  graph: Graph,
  eclipses: ReadonlyMap<number, readonly number[]>,
  degree: number,
): Graph {
  const ends: number[] = [];
  for (let a = 0; a < graph.peers; a++) {
    if (eclipses.has(a)) continue;
    for (const b of neighboursOf(graph, a)) if (b > a && !eclipses.has(b)) ends.push(a, b);
  }
  for (const [victim, attackers] of eclipses) {
    for (const attacker of attackers.slice(0, degree)) ends.push(victim, attacker);
  }
  return graphOf(graph.peers, Uint32Array.from(ends));
}

/** The graph with more edges, given by both their ends. */
export function joinedGraph(graph: Graph, extra: Iterable<readonly [number, number]>): Graph {
  const ends = new Set<number>();
  const add = (a: number, b: number) => ends.add(Math.min(a, b) * graph.peers + Math.max(a, b));
  for (let a = 0; a < graph.peers; a++) for (const b of neighboursOf(graph, a)) add(a, b);
  for (const [a, b] of extra) add(a, b);
  const flat = [...ends]
    .sort((a, b) => a - b)
    .flatMap((edge) => [Math.floor(edge / graph.peers), edge % graph.peers]);
  return graphOf(graph.peers, Uint32Array.from(flat));
}

function graphOf(peers: number, ends: Uint32Array): Graph {
  const starts = new Uint32Array(peers + 1);
  for (const end of ends) starts[end + 1]!++;
  for (let peer = 0; peer < peers; peer++) starts[peer + 1]! += starts[peer]!;
  const neighbours = new Uint32Array(ends.length);
  const next = starts.slice();
  for (let at = 0; at < ends.length; at += 2) {
    const [a, b] = [ends[at]!, ends[at + 1]!];
    neighbours[next[a]!++] = b;
    neighbours[next[b]!++] = a;
  }
  for (let peer = 0; peer < peers; peer++) neighbours.subarray(starts[peer]!, starts[peer + 1]!).sort();
  return { peers, starts, neighbours };
}
