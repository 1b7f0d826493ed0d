/**
 * The links to the peers of one run as a state machine: what happened goes in, what to do comes out. It knows
 * nothing of libp2p and nothing of other runs; links.ts performs what it says.
 *
 *     known ──dial──> dialling ──speaks──> linked ──let go──> parted ──disconnected──> failed ──dial──> ...
 *                        │                    │                  └──dial──> dialling
 *                        └──fails──> failed <─┘ disconnected, mute
 */

import { backoffMs } from '../../core/backoff.ts';
import type { PeerKey } from '../../core/io.ts';
import { GrowingPauses, jitteredMs } from '../backoff.ts';
import {
  isSettled,
  type Linked,
  type LinkLimits,
  lacksChosen,
  type PeerLink,
  selectPeers,
} from './peer-selection.ts';

/** A peer shows the run's protocol this long after the dial began, or is taken for none of ours. */
const IDENTIFY_TIMEOUT_MS = 10_000;

export type LinkInput =
  /** Others say that it is a peer of the run. */
  | { readonly type: 'found'; readonly peer: PeerKey }
  | Speaks
  /** It does not speak the run's protocol, or no longer. */
  | { readonly type: 'mute'; readonly peer: PeerKey }
  /** Its last connection is gone. */
  | { readonly type: 'disconnected'; readonly peer: PeerKey }
  | { readonly type: 'dial-failed'; readonly peer: PeerKey; readonly reason: string }
  /** It brought something that was accepted, or answered. */
  | { readonly type: 'useful'; readonly peer: PeerKey }
  /** Time to look. `heard`: the peers that gossip has for the run. */
  | { readonly type: 'review'; readonly heard: ReadonlySet<PeerKey> }
  /** The run leaves. */
  | { readonly type: 'stop' };

/** A peer is connected and speaks the run's protocol. */
interface Speaks {
  readonly type: 'speaks';
  readonly peer: PeerKey;
  /** One of its connections was opened by us. */
  readonly dialled: boolean;
  /** Its address, where that says who is behind it. */
  readonly origin: string | null;
}

export type LinkAction =
  | { readonly type: 'peer-up'; readonly peer: PeerKey }
  | { readonly type: 'peer-down'; readonly peer: PeerKey }
  | { readonly type: 'dial'; readonly peer: PeerKey }
  | { readonly type: 'dial-failed'; readonly peer: PeerKey; readonly reason: string }
  /** `unkeep`, then close the connection, unless another run holds it. Comes before the `peer-down` of the same peer. */
  | { readonly type: 'let-go'; readonly peer: PeerKey; readonly reason: 'too-many' | 'deaf' }
  /** Have libp2p restore the connection when it breaks. */
  | { readonly type: 'keep'; readonly peer: PeerKey }
  | { readonly type: 'unkeep'; readonly peer: PeerKey }
  /** Look again now. */
  | { readonly type: 'hurry' };

export interface LinkTableOptions {
  readonly limits: LinkLimits;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Ourselves. */
  readonly self: PeerKey;
}

export class LinkTable {
  readonly #options: LinkTableOptions;
  readonly #links = new Map<PeerKey, PeerLink>();
  /** Between dials for places of chosen peers. */
  readonly #choices: GrowingPauses;
  #chooseAtMs = -Infinity;

  constructor(options: LinkTableOptions) {
    this.#options = options;
    const { limits, random } = options;
    this.#choices = new GrowingPauses(limits.choice, limits.choice.maxMs, random);
  }

  handle(input: LinkInput, nowMs: number): LinkAction[] {
    switch (input.type) {
      case 'found':
        return this.#found(input.peer, nowMs);
      case 'speaks':
        return this.#speaks(input, nowMs);
      case 'mute':
        return [...this.#lost(input.peer, nowMs), { type: 'unkeep', peer: input.peer }];
      case 'disconnected':
        return this.#lost(input.peer, nowMs);
      case 'dial-failed':
        return this.#dialFailed(input.peer, input.reason, nowMs);
      case 'useful':
        this.#useful(input.peer, nowMs);
        return [];
      case 'review':
        return this.#review(input.heard, nowMs);
      case 'stop':
        return this.#stop();
      default:
        return input satisfies never;
    }
  }

  /** The peers that are up. */
  peers(): PeerKey[] {
    return [...this.#linked()].map(([peer]) => peer);
  }

  isLinked(peer: PeerKey): boolean {
    return this.#links.get(peer)?.kind === 'linked';
  }

  /** True while fewer peers are up than wanted, or fewer that we have chosen. */
  peersMissing(): boolean {
    const { limits } = this.#options;
    const linked = [...this.#linked()];
    const isShort = linked.length < limits.peersMin || lacksChosen(linked, limits);
    return isShort || [...(limits.wanted ?? [])].some((peer) => !this.isLinked(peer));
  }

  *#linked(): Generator<readonly [PeerKey, Linked]> {
    for (const [peer, link] of this.#links) {
      if (link.kind === 'linked') {
        yield [peer, link];
      }
    }
  }

  #found(peer: PeerKey, nowMs: number): LinkAction[] {
    const { self, limits } = this.#options;
    const link = this.#links.get(peer);
    if (link !== undefined && !link.found) this.#links.set(peer, { ...link, found: true });
    // The next review brings the table back to its bound; until then strangers may fill it twice over at most.
    if (peer === self || link !== undefined || this.#links.size >= 2 * limits.knownMax) {
      return [];
    }
    this.#links.set(peer, { kind: 'known', found: true, origin: null, sinceMs: nowMs });
    return [{ type: 'hurry' }];
  }

  #speaks({ peer, dialled, origin }: Speaks, nowMs: number): LinkAction[] {
    const link = this.#links.get(peer);
    if (link?.kind === 'linked' || link?.kind === 'parted') {
      return [];
    }
    const attempts = link === undefined || link.kind === 'known' ? 0 : link.attempts;
    const found = dialled || (link?.found ?? false);
    const isDrawn = link?.kind === 'dialling' && link.found;
    // Drawn as one of an address of its own.
    const isOfTaken = isDrawn && origin !== null && origin !== link.origin && this.#isTaken(origin);
    const chosenUntilMs = isDrawn && !isOfTaken ? this.#chosenUntilMs(nowMs) : null;
    this.#links.set(peer, {
      kind: 'linked',
      ...{ found, origin, dialled, chosenUntilMs },
      attempts,
      sinceMs: nowMs,
      deafSinceMs: null,
      usefulAtMs: null,
      kept: false,
    });
    // A link has to settle again: whom a crowded peer let go must not come back by itself time and again.
    return [
      { type: 'unkeep', peer },
      { type: 'peer-up', peer },
    ];
  }

  #lost(peer: PeerKey, nowMs: number): LinkAction[] {
    const link = this.#links.get(peer);
    if (link?.kind === 'parted') {
      const { found, origin, attempts, partedAtMs, retryAtMs } = link;
      this.#links.set(peer, { kind: 'failed', found, origin, attempts, failedAtMs: partedAtMs, retryAtMs });
      return [];
    }
    if (link?.kind !== 'linked') {
      return [];
    }
    this.#fail(peer, link, this.#attemptsAfter(link, nowMs), nowMs);
    return [{ type: 'peer-down', peer }, { type: 'hurry' }];
  }

  #dialFailed(peer: PeerKey, reason: string, nowMs: number): LinkAction[] {
    const link = this.#links.get(peer);
    if (link?.kind !== 'dialling') {
      return [];
    }
    this.#fail(peer, link, link.attempts + 1, nowMs);
    return [{ type: 'dial-failed', peer, reason }];
  }

  #useful(peer: PeerKey, nowMs: number): void {
    const link = this.#links.get(peer);
    if (link?.kind === 'linked') {
      this.#links.set(peer, { ...link, usefulAtMs: nowMs });
    }
  }

  #review(heard: ReadonlySet<PeerKey>, nowMs: number): LinkAction[] {
    const { limits, random } = this.#options;
    this.#noteDeafness(heard, nowMs);
    this.#freePlaces(nowMs);
    const actions = [...this.#giveUpOnStrangers(nowMs), ...this.#keepSettled(nowMs)];
    const mayChoose = nowMs >= this.#chooseAtMs;
    const { forget, dial, choose, close } = selectPeers(this.#links, nowMs, limits, random, mayChoose);
    for (const peer of forget) {
      this.#links.delete(peer);
      actions.push({ type: 'unkeep', peer });
    }
    for (const peer of dial) actions.push(...this.#dial(peer, nowMs));
    if (choose !== null) actions.push(...this.#choose(choose, nowMs));
    for (const { peer, reason } of close) {
      actions.push(...this.#letGo(peer, reason, nowMs));
    }
    return actions;
  }

  #dial(peer: PeerKey, nowMs: number): LinkAction[] {
    const link = this.#links.get(peer)!;
    const { found, origin } = link;
    const attempts = link.kind === 'known' ? 0 : link.attempts;
    this.#links.set(peer, { kind: 'dialling', found, origin, attempts, sinceMs: nowMs });
    return [{ type: 'dial', peer }];
  }

  #choose(peer: PeerKey, nowMs: number): LinkAction[] {
    const link = this.#links.get(peer)!;
    if (link.kind === 'linked') {
      this.#links.set(peer, { ...link, chosenUntilMs: this.#chosenUntilMs(nowMs) });
      return [];
    }
    this.#chooseAtMs = nowMs + this.#choices.after(false);
    return this.#dial(peer, nowMs);
  }

  /** Of one that was chosen now: the next may be at once. */
  #chosenUntilMs(nowMs: number): number {
    this.#choices.reset();
    this.#chooseAtMs = -Infinity;
    return nowMs + jitteredMs(this.#options.limits.chosenMs, this.#options.random);
  }

  #isTaken(origin: string): boolean {
    return [...this.#linked()].some(([, link]) => link.chosenUntilMs !== null && link.origin === origin);
  }

  #freePlaces(nowMs: number): void {
    for (const [peer, link] of this.#linked())
      if (link.chosenUntilMs !== null && link.chosenUntilMs <= nowMs)
        this.#links.set(peer, { ...link, chosenUntilMs: null });
  }

  #letGo(peer: PeerKey, reason: 'too-many' | 'deaf', nowMs: number): LinkAction[] {
    const link = this.#links.get(peer);
    if (link?.kind !== 'linked') {
      return [];
    }
    const attempts = this.#attemptsAfter(link, nowMs);
    const retryAtMs = this.#retryAtMs(attempts, nowMs);
    const { found, origin } = link;
    this.#links.set(peer, { kind: 'parted', found, origin, attempts, partedAtMs: nowMs, retryAtMs });
    return [
      { type: 'let-go', peer, reason },
      { type: 'peer-down', peer },
    ];
  }

  /** A link may be up and yet dead for gossip: after one oversized frame, or when its stream broke. */
  #noteDeafness(heard: ReadonlySet<PeerKey>, nowMs: number): void {
    for (const [peer, link] of this.#linked()) {
      const deafSinceMs = heard.has(peer) ? null : (link.deafSinceMs ?? nowMs);
      if (deafSinceMs !== link.deafSinceMs) {
        this.#links.set(peer, { ...link, deafSinceMs });
      }
    }
  }

  #giveUpOnStrangers(nowMs: number): LinkAction[] {
    return [...this.#links].flatMap(([peer, link]) =>
      link.kind === 'dialling' && nowMs - link.sinceMs >= IDENTIFY_TIMEOUT_MS
        ? this.#dialFailed(peer, 'it does not take part in the run', nowMs)
        : [],
    );
  }

  #keepSettled(nowMs: number): LinkAction[] {
    const { limits } = this.#options;
    const linked = [...this.#linked()];
    const places = limits.peersTarget - linked.filter(([, { kept }]) => kept).length;
    const settled = linked.filter(([, link]) => !link.kept && isSettled(link, nowMs, limits));
    // Who came before we chose anybody may have come to take the places.
    const keep = settled.filter(([, { chosenUntilMs }], index) => chosenUntilMs !== null || index < places);
    return keep.map(([peer, link]) => {
      this.#links.set(peer, { ...link, kept: true });
      return { type: 'keep', peer };
    });
  }

  #stop(): LinkAction[] {
    const linked = this.peers();
    const all = [...this.#links.keys()];
    this.#links.clear();
    return [
      ...all.map((peer) => ({ type: 'unkeep', peer }) as const),
      ...linked.map((peer) => ({ type: 'peer-down', peer }) as const),
    ];
  }

  /** One that broke before it settled is one more failure in a row, so that a peer that drops us is left in peace. */
  #attemptsAfter(link: Linked, nowMs: number): number {
    return isSettled(link, nowMs, this.#options.limits) ? 1 : link.attempts + 1;
  }

  #fail(peer: PeerKey, { found, origin }: PeerLink, attempts: number, nowMs: number): void {
    const retryAtMs = this.#retryAtMs(attempts, nowMs);
    this.#links.set(peer, { kind: 'failed', found, origin, attempts, failedAtMs: nowMs, retryAtMs });
  }

  #retryAtMs(attempts: number, nowMs: number): number {
    const { limits, random } = this.#options;
    return nowMs + backoffMs(attempts - 1, limits.retry, random);
  }
}
