/** A run on a real host, as the tests of this folder watch it. */
import type { PeerKey } from '../../src/core/io.ts';
import type { Host } from '../../src/network/host/host.ts';
import { announcementTopic } from '../../src/network/protocols.ts';
import {
  createTransport,
  type NetworkTransport,
  type TransportOptions,
} from '../../src/network/transport.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { type EventLog, eventLog, eventually } from './real-hosts.ts';

export interface RunMember {
  readonly host: Host;
  readonly runId: string;
  readonly transport: NetworkTransport;
  readonly log: EventLog;
  readonly up: PeerKey[];
  readonly down: PeerKey[];
  readonly heard: string[];
  start(): Promise<void>;
}

/** Judges what begins with `bad` as bad; answers every request with the run's id and what was asked. */
export function runMember(
  host: Host,
  runId: string,
  options: Partial<Pick<TransportOptions, 'hidden' | 'links' | 'discovery' | 'exchange'>> = {},
): RunMember {
  const log = eventLog();
  const transport = createTransport({
    host,
    runId,
    clock: wallClock,
    random: Math.random,
    onEvent: log.record,
    ...options,
  });
  const up: PeerKey[] = [];
  const down: PeerKey[] = [];
  const heard: string[] = [];
  return {
    host,
    runId,
    transport,
    log,
    up,
    down,
    heard,
    start: () =>
      transport.start({
        peerUp: (peer) => up.push(peer),
        peerDown: (peer) => down.push(peer),
        announcement: async (_from, bytes) => {
          const text = Buffer.from(bytes).toString();
          if (text.startsWith('bad')) {
            return 'reject';
          }
          heard.push(text);
          return 'accept';
        },
        request: async (from, bytes) => [
          Buffer.from(`${from} asked ${Buffer.from(bytes)} of ${runId}`),
          new Uint8Array(3),
        ],
      }),
  };
}

/** Starts them and waits until gossip has each of them at every other. */
export async function gossiping(members: readonly RunMember[]): Promise<void> {
  await eventually('gossip knows every peer', () =>
    members.every((member) => subscribers(member).length === members.length - 1),
  );
}

export function subscribers({ host, runId }: RunMember): PeerKey[] {
  return [...host.gossip.subscribers(announcementTopic(runId))];
}

export const asking = (timeoutMs = 5_000) => ({
  responseBytesMax: 1_000,
  timeoutMs,
  signal: new AbortController().signal,
});
