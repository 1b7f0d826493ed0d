/**
 * A host with a run, as a process of its own inside a network namespace: says every 250 ms on stdout how it stands, and
 * does what stdin tells it, both as lines of JSON.
 */
import { createInterface } from 'node:readline';
import { createBootstraps } from '../../src/network/discovery/bootstraps.ts';
import { createHost } from '../../src/network/host/host.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { type NodeProfileOptions, nodeProfile } from '../../src/network/profiles/node-profile.ts';
import { announcementTopic } from '../../src/network/protocols.ts';
import { createTransport } from '../../src/network/transport.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { someRunId } from '../network/real-hosts.ts';

export interface PeerSpec {
  /** One number, from which its identity follows. */
  readonly seed: number;
  /** Left out: a bootstrap, which takes part in no run. */
  readonly run?: string;
  readonly bootstrap: readonly string[];
  readonly profile: Omit<NodeProfileOptions, 'networkKey'> & { readonly networkKey?: string };
}

export interface PeerStatus {
  readonly key: string;
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly untried: readonly string[];
  readonly connections: readonly {
    readonly to: string;
    readonly isRelayed: boolean;
  }[];
  readonly up: readonly string[];
  readonly heard: readonly string[];
  readonly answers: readonly number[];
  readonly subscribers: number;
  readonly dhtMode: string;
}

const spec: PeerSpec = JSON.parse(process.argv[2]!);
const { networkKey } = spec.profile;
const host = await createHost({
  identity: identityFromSeed(Buffer.alloc(32, spec.seed)),
  profile: await nodeProfile({
    ...spec.profile,
    networkKey: networkKey === undefined ? null : Buffer.from(networkKey, 'hex'),
  }),
  carriesRuns: spec.run !== undefined,
});
await host.start();
const common = { host, clock: wallClock, random: Math.random };
const bootstraps = createBootstraps({
  ...common,
  addresses: spec.bootstrap,
  onEvent: (event) => process.stderr.write(`${JSON.stringify(event)}\n`),
});
bootstraps.start();

const up = new Set<string>();
const heard: string[] = [];
const answers: number[] = [];
const runId = spec.run === undefined ? null : someRunId(spec.run);
const transport =
  runId === null
    ? null
    : createTransport({
        ...common,
        runId,
        onEvent: (event) => process.stderr.write(`${JSON.stringify(event)}\n`),
      });
await transport?.start({
  peerUp: (peer) => up.add(peer),
  peerDown: (peer) => up.delete(peer),
  announcement: async (_from, bytes) => {
    heard.push(Buffer.from(bytes).toString());
    return 'accept';
  },
  request: async (_from, bytes) => [Buffer.alloc(Number(Buffer.from(bytes).toString()), 7)],
});

setInterval(() => {
  const status: PeerStatus = {
    key: host.key,
    peerId: host.libp2p.peerId.toString(),
    addresses: host.addresses(),
    untried: host.untried(),
    connections: host.libp2p.getConnections().map(({ remotePeer, direct }) => ({
      to: remotePeer.toString(),
      isRelayed: !direct,
    })),
    up: [...up],
    heard,
    answers,
    subscribers: runId === null ? 0 : host.gossip.subscribers(announcementTopic(runId)).size,
    dhtMode: host.libp2p.services.dht.getMode(),
  };
  process.stdout.write(`${JSON.stringify(status)}\n`);
}, 250);

createInterface({ input: process.stdin }).on('line', (line) => {
  const told: { announce?: string; ask?: string; bytes?: number; leave?: true } = JSON.parse(line);
  if (told.leave) void host.stop();
  if (told.announce !== undefined) void transport?.announce(Buffer.from(told.announce));
  const { ask, bytes = 0 } = told;
  if (ask !== undefined) {
    transport
      ?.request(ask, Buffer.from(String(bytes)), {
        responseBytesMax: bytes + 1_000,
        timeoutMs: 20_000,
        signal: new AbortController().signal,
      })
      .then(
        (frames) => answers.push(frames.reduce((sum, frame) => sum + frame.length, 0)),
        (error: unknown) => process.stderr.write(`ask failed: ${error}\n`),
      );
  }
});
