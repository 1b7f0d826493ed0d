/** A peer of a run that takes no part in it and asks what it is told to, when it is told to. */
import { Credentials } from '../../src/core/credentials.ts';
import type { PeerKey } from '../../src/core/io.ts';
import { encodeRequest, type Request, responseBytesMax } from '../../src/log/wire.ts';
import { createBootstraps } from '../../src/network/discovery/bootstraps.ts';
import { createHost } from '../../src/network/host/host.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { createTransport } from '../../src/network/transport.ts';
import { createCrypto } from '../../src/platform/node/crypto.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import type { SignedManifest } from '../../src/run/manifest.ts';

export interface Guest {
  /** Peers of the run that it is linked to. */
  peers(): readonly PeerKey[];
  /** The frames of the answer. Rejects where the peer refuses. */
  ask(peer: PeerKey, request: Request): Promise<Uint8Array[]>;
  stop(): Promise<void>;
}

const never = new AbortController().signal;

const guestKey = 200;

/** Starts one that looks for the run by way of `bootstrap`, showing what `admit` gives it. */
export async function openGuest(
  { runId, manifest }: SignedManifest,
  bootstrap: string,
  admit: (key: PeerKey) => Uint8Array | null,
): Promise<Guest> {
  const common = { clock: wallClock, random: Math.random, onEvent: () => {} };
  const identity = identityFromSeed(new Uint8Array(32).fill(guestKey));
  const credentials = new Credentials(manifest, runId, createCrypto(), admit(identity.key));
  const host = await createHost({
    identity,
    profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
  });
  await host.start();
  const bootstraps = createBootstraps({ ...common, host, addresses: [bootstrap] });
  bootstraps.start();
  const transport = createTransport({ ...common, host, runId });
  await transport.start({
    peerUp: () => {},
    peerDown: () => {},
    announcement: async () => 'ignore',
    request: async () => {
      throw new Error('a guest answers nothing');
    },
  });
  return {
    peers: () => transport.stats().peers,
    ask: (peer, request) =>
      transport.request(peer, credentials.enclosed(encodeRequest(request)), {
        responseBytesMax,
        timeoutMs: 10_000,
        signal: never,
      }),
    async stop() {
      await transport.stop();
      await bootstraps.stop();
      await host.stop();
    },
  };
}
