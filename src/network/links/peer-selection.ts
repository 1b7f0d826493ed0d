/**
 * Whom to dial and whom to let go: a pure function of what is known about the peers of a run. link-table.ts
 * keeps what is known.
 */

import type { BackoffBounds } from '../../core/backoff.ts';
import type { PeerKey } from '../../core/io.ts';

/** Whatever has become of the link. */
interface Provenance {
  /** Others told us of it, or we have dialled it: nobody who has only ever dialled us. */
  readonly found: boolean;
  /** The address of its last connection, where that says who is behind it (conduct/origins.ts). */
  readonly origin: string | null;
}

/** `attempts`: failures in a row, links that broke before they settled included. */
export type PeerLink = Provenance & LinkState;

type LinkState =
  /** Found, not tried. */
  | { readonly kind: 'known'; readonly sinceMs: number }
  | { readonly kind: 'dialling'; readonly attempts: number; readonly sinceMs: number }
  /** The next try is not before `retryAtMs`. */
  | {
      readonly kind: 'failed';
      readonly attempts: number;
      readonly failedAtMs: number;
      readonly retryAtMs: number;
    }
  /** Let go while the connection stays up, for another run or not closed yet: no peer until it is dialled anew. */
  | {
      readonly kind: 'parted';
      readonly attempts: number;
      readonly partedAtMs: number;
      readonly retryAtMs: number;
    }
  | LinkedState;

/** Connected and speaking the run's exchange protocol. */
export type Linked = Provenance & LinkedState;

interface LinkedState {
  readonly kind: 'linked';
  readonly attempts: number;
  readonly sinceMs: number;
  /** We opened a connection: the links chose it, or the DHT asked it something. A stranger may come to be asked by a key near what we look for. */
  readonly dialled: boolean;
  /** It was drawn among those that were found, and dialled: so long it has a place as such. */
  readonly chosenUntilMs: number | null;
  /** Gossip has not had it since. */
  readonly deafSinceMs: number | null;
  /** When it last brought something that was accepted, or answered. */
  readonly usefulAtMs: number | null;
  /** libp2p was told to restore the connection by itself. */
  readonly kept: boolean;
}

export interface LinkLimits {
  /** Below this many linked peers others are dialled, up to `peersTarget`. As many settled links are never one too many. */
  readonly peersMin: number;
  readonly peersTarget: number;
  /** So many places are for such as we have chosen, each of another address where addresses are known: others are dialled until they are taken, though there be peers enough. */
  readonly chosenMin: number;
  /** Above this many, brief ones aside, some are let go. */
  readonly peersMax: number;
  /** Places that links not settled yet can count on; above `peersMax` those beyond it are let go first. */
  readonly youngMax: number;
  /** So many that are younger than `briefMs` do not count: the DHT of one of the two has dialled for a question, and would dial again for the next. */
  readonly briefMax: number;
  readonly briefMs: number;
  readonly dialsMax: number;
  /** Peers remembered; failing ones are forgotten first. */
  readonly knownMax: number;
  /** A link is settled at this age. */
  readonly settleMs: number;
  /** A link that brought something within this time is useful. */
  readonly usefulMs: number;
  /** A link without gossip for this long is closed and made anew. */
  readonly deafMs: number;
  readonly retry: BackoffBounds;
  /** So long, give or take a fifth, whoever was chosen has the place; then it is drawn anew, or whoever never leaves would have all of them one day. */
  readonly chosenMs: number;
  /** Between dials for places of chosen peers, where there are peers enough. */
  readonly choice: BackoffBounds;
  /** Peers that the run's own topology mixes with: dialled whenever they are known, never one too many. */
  readonly wanted?: ReadonlySet<PeerKey>;
}

/**
 * 8 to 12 peers: gossipsub keeps a mesh of 6 (4 to 12) among them, and a random graph of degree 8 stays
 * connected when a third of its nodes leave. The gap up to `peersMax` takes the links others dial to us
 * without a war of pruning and redialling. Whom we choose ourselves nobody can choose for us: Bitcoin has ten such places of 125, Ethereum a
 * third, gossipsub one or two of a mesh. A peer is chosen by as many as it chooses, so all find a place. All others are guesses.
 */
export const defaultLinkLimits: LinkLimits = {
  peersMin: 8,
  peersTarget: 12,
  chosenMin: 4,
  peersMax: 20,
  youngMax: 8,
  briefMax: 20,
  briefMs: 20_000,
  dialsMax: 4,
  knownMax: 512,
  settleMs: 30_000,
  usefulMs: 120_000,
  deafMs: 15_000,
  retry: { firstMs: 500, maxMs: 60_000 },
  chosenMs: 600_000,
  choice: { firstMs: 500, maxMs: 30_000 },
};

export interface LinkDecision {
  readonly dial: readonly PeerKey[];
  /** For a place of a chosen peer: to be dialled where it is not linked. */
  readonly choose: PeerKey | null;
  readonly close: readonly { readonly peer: PeerKey; readonly reason: 'too-many' | 'deaf' }[];
  readonly forget: readonly PeerKey[];
}

/** The peers of the table by what can be done with them. */
interface Census {
  readonly candidates: readonly (readonly [PeerKey, PeerLink])[];
  readonly dialling: number;
  readonly linked: readonly (readonly [PeerKey, Linked])[];
  readonly deaf: readonly PeerKey[];
}

/** `random` returns numbers in [0, 1); it decides among equals only. `mayChoose`: whether it is time to choose one. */
export function selectPeers(
  links: ReadonlyMap<PeerKey, PeerLink>,
  nowMs: number,
  limits: LinkLimits,
  random: () => number,
  mayChoose: boolean,
): LinkDecision {
  const census = counted(links, nowMs, limits);
  const dial = whomToDial(census, limits, random);
  const isIdle = census.dialling + dial.length === 0;
  const choose = mayChoose && isIdle ? whomToChoose(census, limits, random) : null;
  return {
    dial,
    choose,
    close: [
      ...census.deaf.map((peer) => ({ peer, reason: 'deaf' as const })),
      ...oneTooMany(census.linked, nowMs, limits, random).map((peer) => ({
        peer,
        reason: 'too-many' as const,
      })),
    ],
    forget: surplus(links, new Set([...dial, ...(choose === null ? [] : [choose])]), limits.knownMax),
  };
}

function counted(links: ReadonlyMap<PeerKey, PeerLink>, nowMs: number, limits: LinkLimits): Census {
  const candidates: (readonly [PeerKey, PeerLink])[] = [];
  const linked: (readonly [PeerKey, Linked])[] = [];
  const deaf: PeerKey[] = [];
  let dialling = 0;
  for (const [peer, link] of links) {
    switch (link.kind) {
      case 'known':
        candidates.push([peer, link]);
        break;
      case 'failed':
      case 'parted':
        if (link.retryAtMs <= nowMs) {
          candidates.push([peer, link]);
        }
        break;
      case 'dialling':
        dialling++;
        break;
      case 'linked':
        if (link.deafSinceMs !== null && nowMs - link.deafSinceMs >= limits.deafMs) {
          deaf.push(peer);
        } else {
          linked.push([peer, link]);
        }
        break;
      default:
        link satisfies never;
    }
  }
  return { candidates, dialling, linked, deaf };
}

function whomToDial(
  { candidates, dialling, linked }: Census,
  limits: LinkLimits,
  random: () => number,
): PeerKey[] {
  const missing = linked.length < limits.peersMin ? limits.peersTarget - linked.length - dialling : 0;
  const peers = candidates.map(([peer]) => peer);
  const needed = peers.filter((peer) => limits.wanted?.has(peer));
  const others = peers.filter((peer) => !limits.wanted?.has(peer));
  const dialsLeft = limits.dialsMax - dialling;
  const dial = drawn(needed, dialsLeft, random);
  return [...dial, ...drawn(others, Math.min(missing, dialsLeft) - dial.length, random)];
}

/**
 * Whoever dials us wants to be linked with us, and may be one with many keys. So one is drawn among those that were found, linked or not, but for
 * those that have dialled us: of whom we have found he has a share, of whom comes to us he may have all.
 */
function whomToChoose(
  { candidates, linked }: Census,
  limits: LinkLimits,
  random: () => number,
): PeerKey | null {
  const chosen = linked.filter(([, link]) => isChosen(link));
  if (!areTooFew(chosen, limits)) return null;
  const origins = new Set(chosen.map(([, { origin }]) => origin));
  const pool = [
    ...candidates.filter(([, { found }]) => found),
    ...linked.filter(([, link]) => link.dialled && !isChosen(link)),
  ];
  const elsewhere = pool.filter(([, { origin }]) => origin === null || !origins.has(origin));
  const [drawnOne] = drawn(
    (elsewhere.length > 0 ? elsewhere : pool).map(([peer]) => peer),
    1,
    random,
  );
  return drawnOne ?? null;
}

/** Where all are of one address there are places for more of them, and an end. */
function areTooFew(chosen: Census['linked'], limits: LinkLimits): boolean {
  return chosen.length < limits.peersMin && ofOwnPlace(chosen).length < limits.chosenMin;
}

/** Whether others are to be dialled for places of chosen peers, if there are any. */
export function lacksChosen(linked: Census['linked'], limits: LinkLimits): boolean {
  return areTooFew(
    linked.filter(([, link]) => isChosen(link)),
    limits,
  );
}

/** The first of each address, and all of none. */
function ofOwnPlace<T extends readonly [PeerKey, Linked]>(chosen: readonly T[]): T[] {
  const origins = new Set<string>();
  return chosen.filter(([, { origin }]) => {
    if (origin === null) return true;
    const isFirst = !origins.has(origin);
    origins.add(origin);
    return isFirst;
  });
}

/**
 * Links to let go down to `peersMax` and `briefMax` brief ones: first young ones beyond their places, then settled ones, but never one
 * of the `peersMin` best, nor one that has a place of a chosen peer, however young. So whoever comes with many fresh keys takes places from other newcomers and from the
 * loosest of our links, and cannot push out those that serve us. Drawn by chance: what is chosen by age can be
 * waited for.
 */
function oneTooMany(
  linked: readonly (readonly [PeerKey, Linked])[],
  nowMs: number,
  limits: LinkLimits,
  random: () => number,
): PeerKey[] {
  const isBrief = ([, { sinceMs }]: readonly [PeerKey, Linked]): boolean => nowMs - sinceMs < limits.briefMs;
  const brief = linked.filter(isBrief).length;
  const tooMany = linked.length - Math.min(brief, limits.briefMax) - limits.peersMax;
  if (tooMany <= 0) {
    return [];
  }
  const placed = new Set(
    ofOwnPlace(byWorth(linked, nowMs, limits).filter(([, link]) => isChosen(link)))
      .slice(0, limits.chosenMin)
      .map(([peer]) => peer),
  );
  const free = linked.filter(([peer]) => !limits.wanted?.has(peer) && !placed.has(peer));
  const young = free.filter(([, link]) => !isSettled(link, nowMs, limits));
  const counted = brief > limits.briefMax ? young : young.filter((one) => !isBrief(one));
  const givable = counted.map(([peer]) => peer);
  const close = drawn(givable, Math.min(tooMany, givable.length - limits.youngMax), random);
  const settled = linked.filter(([, link]) => isSettled(link, nowMs, limits));
  const spared = settled.filter(([peer]) => placed.has(peer)).length;
  const loose = byWorth(
    free.filter(([, link]) => isSettled(link, nowMs, limits)),
    nowMs,
    limits,
  )
    .slice(Math.max(0, limits.peersMin - spared))
    .map(([peer]) => peer);
  return [...close, ...drawn(loose, tooMany - close.length, random)];
}

export function isSettled(link: Linked, nowMs: number, limits: LinkLimits): boolean {
  return nowMs - link.sinceMs >= limits.settleMs;
}

function isChosen({ chosenUntilMs }: Linked): boolean {
  return chosenUntilMs !== null;
}

/** What serves us first, of those what we chose ourselves; of equals the older one. */
function byWorth<T extends readonly [PeerKey, Linked]>(
  links: readonly T[],
  nowMs: number,
  limits: LinkLimits,
): T[] {
  return [...links].sort(
    ([, a], [, b]) => worthOf(b, nowMs, limits) - worthOf(a, nowMs, limits) || a.sinceMs - b.sinceMs,
  );
}

function worthOf(link: Linked, nowMs: number, limits: LinkLimits): number {
  const isUseful = link.usefulAtMs !== null && nowMs - link.usefulAtMs < limits.usefulMs;
  return (isUseful ? 2 : 0) + (isChosen(link) ? 1 : 0);
}

/** `count` of `from`, every subset as likely (the first steps of Fisher and Yates' shuffle). */
function drawn(from: readonly PeerKey[], count: number, random: () => number): PeerKey[] {
  const rest = [...from];
  const taken = Math.max(0, Math.min(count, rest.length));
  for (let index = 0; index < taken; index++) {
    const other = index + Math.floor(random() * (rest.length - index));
    [rest[index], rest[other]] = [rest[other]!, rest[index]!];
  }
  return rest.slice(0, taken);
}

/** Whom to forget above the bound: first those that nobody told us of, then those that failed most often, then those found longest ago. */
function surplus(
  links: ReadonlyMap<PeerKey, PeerLink>,
  keep: ReadonlySet<PeerKey>,
  knownMax: number,
): PeerKey[] {
  if (links.size <= knownMax) {
    return [];
  }
  const idle: { peer: PeerKey; found: boolean; attempts: number; sinceMs: number }[] = [];
  for (const [peer, link] of links) {
    if (keep.has(peer)) {
      continue;
    }
    switch (link.kind) {
      case 'failed':
        idle.push({ peer, found: link.found, attempts: link.attempts, sinceMs: link.failedAtMs });
        break;
      case 'known':
        idle.push({ peer, found: link.found, attempts: 0, sinceMs: link.sinceMs });
        break;
      case 'dialling':
      case 'linked':
      case 'parted':
        break;
      default:
        link satisfies never;
    }
  }
  idle.sort((a, b) => Number(a.found) - Number(b.found) || b.attempts - a.attempts || a.sinceMs - b.sinceMs);
  return idle.slice(0, links.size - knownMax).map(({ peer }) => peer);
}
