/**
 * Whom to dial and whom to let go: a pure function of what is known about the peers of a run. links.ts does
 * what it says.
 */
import type { PeerKey } from '../core/io.ts';
import { type BackoffBounds, backoffMs } from './backoff.ts';

export type PeerLink =
  /** Found, not tried. */
  | { readonly kind: 'known'; readonly sinceMs: number }
  | { readonly kind: 'dialling'; readonly attempts: number; readonly sinceMs: number }
  /** `attempts` failures in a row; the next try is not before `retryAtMs`. */
  | {
      readonly kind: 'failed';
      readonly attempts: number;
      readonly failedAtMs: number;
      readonly retryAtMs: number;
    }
  /** Connected and speaking the run's exchange protocol. `deafSinceMs`: gossip has not had it since. */
  | { readonly kind: 'linked'; readonly sinceMs: number; readonly deafSinceMs: number | null };

export interface LinkLimits {
  /** Below this many linked peers others are dialled, up to `peersTarget`. */
  readonly peersMin: number;
  readonly peersTarget: number;
  /** Above this many some are let go, down to `peersTarget`. */
  readonly peersMax: number;
  readonly dialsMax: number;
  /** Peers remembered; failing ones are forgotten first. */
  readonly knownMax: number;
  /** A link younger than this is not let go for being one too many. */
  readonly settleMs: number;
  /** A link without gossip for this long is closed and made anew. */
  readonly deafMs: number;
  readonly retry: BackoffBounds;
  /** Peers that the run's own topology mixes with: dialled whenever they are known, never one too many. */
  readonly wanted?: ReadonlySet<PeerKey>;
}

/**
 * 8 to 12 peers: gossipsub keeps a mesh of 6 (4 to 12) among them, and a random graph of degree 8 stays
 * connected when a third of its nodes leave. The gap up to `peersMax` takes the links others dial to us
 * without a war of pruning and redialling. All others are guesses.
 */
export const defaultLinkLimits: LinkLimits = {
  peersMin: 8,
  peersTarget: 12,
  peersMax: 20,
  dialsMax: 4,
  knownMax: 512,
  settleMs: 30_000,
  deafMs: 15_000,
  retry: { firstMs: 500, maxMs: 60_000 },
};

export interface LinkDecision {
  readonly dial: readonly PeerKey[];
  readonly close: readonly { readonly peer: PeerKey; readonly reason: 'too-many' | 'deaf' }[];
  readonly forget: readonly PeerKey[];
}

/** `random` returns numbers in [0, 1); it decides among equals only. */
export function selectPeers(
  links: ReadonlyMap<PeerKey, PeerLink>,
  nowMs: number,
  limits: LinkLimits,
  random: () => number,
): LinkDecision {
  const candidates: PeerKey[] = [];
  const settled: PeerKey[] = [];
  const close: { peer: PeerKey; reason: 'too-many' | 'deaf' }[] = [];
  let linked = 0;
  let dialling = 0;
  for (const [peer, link] of links) {
    switch (link.kind) {
      case 'known':
        candidates.push(peer);
        break;
      case 'failed':
        if (link.retryAtMs <= nowMs) {
          candidates.push(peer);
        }
        break;
      case 'dialling':
        dialling++;
        break;
      case 'linked':
        if (link.deafSinceMs !== null && nowMs - link.deafSinceMs >= limits.deafMs) {
          close.push({ peer, reason: 'deaf' });
          break;
        }
        linked++;
        if (nowMs - link.sinceMs >= limits.settleMs && !limits.wanted?.has(peer)) {
          settled.push(peer);
        }
        break;
      default:
        link satisfies never;
    }
  }
  if (linked > limits.peersMax) {
    for (const peer of drawn(settled, linked - limits.peersTarget, random)) {
      close.push({ peer, reason: 'too-many' });
    }
  }
  const wanted = linked < limits.peersMin ? limits.peersTarget - linked - dialling : 0;
  const needed = candidates.filter((peer) => limits.wanted?.has(peer));
  const others = candidates.filter((peer) => !limits.wanted?.has(peer));
  const dialsLeft = limits.dialsMax - dialling;
  const dial = drawn(needed, dialsLeft, random);
  dial.push(...drawn(others, Math.min(wanted, dialsLeft) - dial.length, random));
  return { dial, close, forget: surplus(links, new Set(dial), limits.knownMax) };
}

/** The state of a peer after its `attempts`-th failure in a row (1 is the first). */
export function failedLink(
  attempts: number,
  nowMs: number,
  limits: LinkLimits,
  random: () => number,
): PeerLink {
  const retryAtMs = nowMs + backoffMs(attempts - 1, limits.retry, random);
  return { kind: 'failed', attempts, failedAtMs: nowMs, retryAtMs };
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

/** Whom to forget above the bound: those that failed most often first, then those found longest ago. */
function surplus(
  links: ReadonlyMap<PeerKey, PeerLink>,
  keep: ReadonlySet<PeerKey>,
  knownMax: number,
): PeerKey[] {
  if (links.size <= knownMax) {
    return [];
  }
  const idle: { peer: PeerKey; attempts: number; sinceMs: number }[] = [];
  for (const [peer, link] of links) {
    if (keep.has(peer)) {
      continue;
    }
    if (link.kind === 'failed') {
      idle.push({ peer, attempts: link.attempts, sinceMs: link.failedAtMs });
    } else if (link.kind === 'known') {
      idle.push({ peer, attempts: 0, sinceMs: link.sinceMs });
    }
  }
  idle.sort((a, b) => b.attempts - a.attempts || a.sinceMs - b.sinceMs);
  return idle.slice(0, links.size - knownMax).map(({ peer }) => peer);
}
