/** Says in the DHT that a host is a peer of a run, again and again: records live on peers that come and go. */
import type { CID } from 'multiformats/cid';
import { reasonOf } from '../../core/as-error.ts';
import type { BackoffBounds } from '../../core/backoff.ts';
import type { Clock } from '../../core/ports.ts';
import { GrowingPauses } from '../backoff.ts';
import { withDeadline } from '../deadline.ts';
import type { NetworkEventListener } from '../events.ts';
import type { HiddenRun } from '../hidden-run.ts';
import type { Host } from '../host/host.ts';
import { runCid } from '../protocols.ts';
import { type Recurring, startRecurring } from '../recurring.ts';

/** From the first record on: while the network is young the record must reach peers that join it. Guesses. */
export const defaultProvidePauses: BackoffBounds = { firstMs: 2_000, maxMs: 600_000 };
/** Measured: a record takes 0.6 s. */
export const dhtQueryTimeoutMs = 20_000;
/** Addresses that come and go must not keep us providing without a pause. */
const PROVIDE_GAP_MS = 1_000;

export interface ProvidingOptions {
  readonly host: Host;
  readonly runId: string;
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly onEvent: NetworkEventListener;
  readonly pauses?: BackoffBounds;
  readonly queryTimeoutMs?: number;
}

export class Providing {
  readonly #options: ProvidingOptions;
  readonly #cid: CID;
  /** Of records; from the start on, or since our addresses changed. */
  readonly #pauses: GrowingPauses;
  #task: Recurring | null = null;
  /** Peers that took the last record. */
  #holders = 0;
  /** Those that the last record was made with. */
  #addresses = '';

  constructor(options: ProvidingOptions) {
    const { runId, hidden, random, pauses = defaultProvidePauses } = options;
    this.#options = options;
    this.#cid = hidden?.cid ?? runCid(runId);
    this.#pauses = new GrowingPauses(pauses, pauses.maxMs, random);
  }

  start(): void {
    const { clock, host } = this.#options;
    host.libp2p.addEventListener('self:peer:update', this.#onSelfUpdate);
    this.#task ??= startRecurring(clock, PROVIDE_GAP_MS, (signal) => this.#provide(signal));
  }

  async stop(): Promise<void> {
    const task = this.#task;
    if (task === null) return;
    const { libp2p } = this.#options.host;
    libp2p.removeEventListener('self:peer:update', this.#onSelfUpdate);
    this.#task = null;
    this.#pauses.reset();
    await task.stop();
    // Or the DHT goes on renewing the record by itself. Those that others hold run out within two days.
    await libp2p.contentRouting.cancelReprovide(this.#cid);
  }

  /** Holders of the record would lead others to where we are no more. */
  readonly #onSelfUpdate = (): void => {
    if (this.#addressesNow() === this.#addresses) return;
    this.#pauses.reset();
    this.#task?.hurry();
  };

  #addressesNow(): string {
    return this.#options.host.addresses().sort().join(' ');
  }

  async #provide(signal: AbortSignal): Promise<number> {
    const { onEvent, queryTimeoutMs = dhtQueryTimeoutMs } = this.#options;
    this.#addresses = this.#addressesNow();
    let isVain = false;
    try {
      const holders = await withDeadline(queryTimeoutMs, 'the DHT gave no answer', [signal], (inTime) =>
        this.#putRecord(inTime),
      );
      isVain = holders > 0 && holders <= this.#holders;
      this.#holders = holders;
      onEvent({ kind: 'provided', holders });
    } catch (error) {
      if (signal.aborted) return 0;
      onEvent({ kind: 'provide-failed', reason: reasonOf(error) });
    }
    return this.#pauses.after(isVain);
  }

  /** Resolves to the number of peers that took the record. */
  async #putRecord(signal: AbortSignal): Promise<number> {
    const { dht } = this.#options.host.libp2p.services;
    let holders = 0;
    for await (const event of dht.provide(this.#cid, { signal })) {
      // The same query first asks for the closest peers: count only the answers to the record itself.
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') {
        holders++;
      }
    }
    return holders;
  }
}
