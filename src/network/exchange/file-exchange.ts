/** Files of a run between its peers: an exchange of its own, open before the run is, with the pace and the bounds of all exchanges. */
import type { PeerId } from '@libp2p/interface';
import type { PeerKey } from '../../core/io.ts';
import type { Clock } from '../../core/ports.ts';
import { withDeadline } from '../deadline.ts';
import { pauseAfter, searchProviders } from '../discovery/provider-search.ts';
import type { HiddenRun } from '../hidden-run.ts';
import type { Host } from '../host/host.ts';
import { peerIdOf, peerKeyOf } from '../identity.ts';
import { filesProtocol } from '../protocols.ts';
import { createExchange, type Exchange } from './exchange.ts';

const dialTimeoutMs = 10_000;

export function createFileExchange(
  { host, runId, hidden }: Pick<HolderSearch, 'host' | 'runId' | 'hidden'>,
  serve: (from: PeerKey, request: Uint8Array) => Promise<readonly Uint8Array[]>,
): Exchange {
  const protocol = filesProtocol(hidden?.name ?? runId);
  return createExchange({ host, runId, hidden, serve, protocol, onEvent: () => {} });
}

export interface HolderSearch {
  readonly host: Host;
  readonly runId: string;
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Whom to try first: the lower the sooner. */
  readonly rankOf: (peer: PeerKey) => number;
}

/** Peers of the run that are connected now, as the DHT names them: each search anew, with pauses, until the signal ends it. */
export async function* holdersOf({
  host,
  runId,
  hidden,
  clock,
  random,
  signal,
  rankOf,
}: HolderSearch): AsyncGenerator<PeerKey> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    const found: PeerId[] = [];
    const onProvider = (id: PeerId) => found.push(id);
    await searchProviders({ host, runId, hidden, signal, random, onProvider }).catch(() => {});
    const keys = found.flatMap((id) => peerKeyOf(id) ?? []);
    for (const key of keys.sort((one, other) => rankOf(one) - rankOf(other))) {
      if (signal.aborted) break;
      const dial = (inTime: AbortSignal) => host.libp2p.dial(peerIdOf(key), { signal: inTime });
      const isThere = await withDeadline(dialTimeoutMs, 'the peer cannot be reached', [signal], dial).then(
        () => true,
        () => false,
      );
      if (isThere) yield key;
    }
    if (!signal.aborted) await pauseAfter(attempt, { clock, random, signal });
  }
}
