/** Real hosts over loopback TCP for the tests of this folder. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { afterEach } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import { multiaddr } from '@multiformats/multiaddr';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import type { NetworkEvent } from '../../src/network/events.ts';
import { createHost, type Host, type HostOptions } from '../../src/network/host/host.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { runCid } from '../../src/network/protocols.ts';

/** A run id of the right form. */
export function someRunId(name: string): string {
  const hash = createHash('sha256').update(name).digest();
  return CID.createV1(dagCbor.code, Digest.create(0x12, hash)).toString();
}

/** A started host on a free loopback port. */
export async function loopbackHost(options: Partial<HostOptions> = {}): Promise<Host> {
  const host = await createHost({
    identity: identityFromSeed(randomBytes(32)),
    profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
    ...options,
  });
  await host.start();
  return host;
}

/** Hosts that carry no runs; those of a test are stopped after it. To be called once in a file. */
export function runlessHosts(): () => Promise<Host> {
  const hosts: Host[] = [];
  afterEach(() => Promise.all(hosts.splice(0).map((host) => host.stop())));
  return async () => {
    const host = await loopbackHost({ carriesRuns: false });
    hosts.push(host);
    return host;
  };
}

/** Resolves once somebody holds a record of `host`, as whom the DHT knows by then. */
export async function provided(host: Host, runId: string): Promise<void> {
  let isTaken = false;
  const deadline = Date.now() + 20_000;
  while (!isTaken) {
    assert.ok(Date.now() < deadline, 'nobody takes the record');
    for await (const event of host.libp2p.services.dht.provide(runCid(runId))) {
      isTaken ||= event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER';
    }
  }
}

export async function connected(from: Host, to: Host): Promise<void> {
  await from.libp2p.dial(to.addresses().map((address) => multiaddr(address)));
}

/** Waits for a condition and fails with `what` when it does not come true in time. */
export async function eventually(what: string, condition: () => boolean, deadlineMs = 15_000): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > endMs) {
      throw new Error(`not within ${deadlineMs} ms: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface EventLog {
  readonly events: NetworkEvent[];
  readonly record: (event: NetworkEvent) => void;
}

export function eventLog(): EventLog {
  const events: NetworkEvent[] = [];
  return { events, record: (event) => events.push(event) };
}
