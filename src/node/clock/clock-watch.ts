/** Asks the peers of a run now and then what their clocks say. Never sets a clock: what it finds is shown, and may stop training. */
import type { PeerKey } from '../../core/io.ts';
import { pickRandom } from '../../core/pick-random.ts';
import type { Clock } from '../../core/ports.ts';
import { askClock, type ClockClaim } from '../../network/exchange/clock-exchange.ts';
import type { HiddenRun } from '../../network/hidden-run.ts';
import type { Host } from '../../network/host/host.ts';
import { type Recurring, startRecurring } from '../../network/recurring.ts';
import { type ClockOffset, clockOffset, narrowed, surelyOff } from './clock-offset.ts';

/** Guesses. Clocks that nobody sets drift by less than a second a day. */
const againMs = 30_000;
/** Once the run is over here. */
const restMs = 300_000;
/** After somebody was asked for the first time, until so many answers of each are kept. */
const soonMs = 1000;
const claimsMax = 4;
const timeoutMs = 5000;
/** Asked in a round: with seven no three liars move the median. */
const askedMax = 7;

export interface ClockWatchOptions {
  readonly host: Host;
  readonly runId: string;
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  /** Of the network. */
  readonly clock: Clock;
  /** Of the run. */
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Connected peers that have a say in the run. */
  readonly peers: () => readonly PeerKey[];
}

export class ClockWatch {
  readonly #options: ClockWatchOptions;
  readonly #claims = new Map<PeerKey, readonly ClockClaim[]>();
  /** Connected peers that were asked. */
  readonly #met = new Set<PeerKey>();
  /** Rounds of questions that follow soon. */
  #soonLeft = 0;
  #recurring: Recurring | null = null;
  #isAtRest = false;

  constructor(options: ClockWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#recurring = startRecurring(this.#options.clock, soonMs, (signal) => this.#askAll(signal));
  }

  /** Asks less often: nothing is trained by this clock any more. */
  rest(isAtRest: boolean): void {
    if (this.#isAtRest && !isAtRest) this.#recurring?.hurry();
    this.#isAtRest = isAtRest;
  }

  async stop(): Promise<void> {
    await this.#recurring?.stop();
  }

  offset(): ClockOffset {
    const peers = this.#options.peers();
    const claims = peers.flatMap((peer) => {
      const own = this.#claims.get(peer);
      return own === undefined ? [] : [surelyOff(own)];
    });
    return clockOffset(claims, Math.min(peers.length, askedMax));
  }

  async #askAll(signal: AbortSignal): Promise<number> {
    const peers = this.#options.peers();
    const linked = new Set(peers);
    for (const peer of [...this.#met]) {
      if (linked.has(peer)) continue;
      this.#met.delete(peer);
      this.#claims.delete(peer);
    }
    const asked = this.#drawn(peers);
    if (asked.some((peer) => !this.#met.has(peer))) this.#soonLeft = claimsMax;
    for (const peer of asked) this.#met.add(peer);
    await Promise.all(asked.map((peer) => this.#ask(peer, signal)));
    this.#soonLeft -= 1;
    if (this.#isAtRest) return restMs;
    return this.#soonLeft > 0 || asked.length === 0 ? soonMs : againMs;
  }

  async #ask(peer: PeerKey, signal: AbortSignal): Promise<void> {
    const { host, runId, hidden, nowMs } = this.#options;
    try {
      const claim = await askClock(host, peer, { runId, hidden, timeoutMs, nowMs }, signal);
      const earlier = this.#claims.get(peer)?.slice(1 - claimsMax) ?? [];
      this.#claims.set(peer, narrowed([...earlier, claim]));
    } catch {
      // A peer that says nothing is none that says something.
    }
  }

  /** Those who were asked before, and as many others as there is room for, all alike: liars must not know whom to bribe. */
  #drawn(peers: readonly PeerKey[]): PeerKey[] {
    const before = [...this.#claims.keys()];
    const others = peers.filter((peer) => !this.#claims.has(peer));
    return [...before, ...pickRandom(others, askedMax - before.length, this.#options.random)];
  }
}
