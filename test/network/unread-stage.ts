/** Peers that ask a host for small answers by the thousand and read none of them, on real sockets. */
import { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { AbstractStreamMuxer } from '@libp2p/utils';
import type { Host, HostOptions } from '../../src/network/host/host.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { connected, eventually, loopbackHost } from './real-hosts.ts';

const headerBytes = 12;
export const [windowType, pingType] = [1, 2];
export const [startFlag, resetFlag] = [1, 8];

/** https://github.com/hashicorp/yamux/blob/master/spec.md */
export function frameOf(type: number, stream: number, length: number, flag = startFlag): Uint8Array {
  const frame = new DataView(new ArrayBuffer(headerBytes));
  frame.setUint8(1, type);
  frame.setUint16(2, flag);
  frame.setUint32(4, stream);
  frame.setUint32(8, length);
  return new Uint8Array(frame.buffer);
}

/** A connection of libp2p inside: encrypted, and the socket under it. */
interface Ours {
  readonly status: string;
  readonly muxer: { readonly maConn: { readonly writeBufferLength: number } };
  readonly maConn: { readonly writeBufferLength: number; readonly socket: Socket };
}

export interface Stage {
  readonly host: Host;
  /** Sends what is no stream's, a thousand frames of each peer at a time, as long as one of these connections is there. */
  readonly flood: (frameAt: (index: number) => Uint8Array) => Promise<void>;
  /** Largest number of bytes that waited for these peers together. */
  readonly waitedBytes: () => number;
}

/** A host, and peers that have dialled it and read their sockets no more. */
export async function stage(t: TestContext, peers = 1, options: Partial<HostOptions> = {}): Promise<Stage> {
  const host = await loopbackHost({ ...options, carriesRuns: false });
  t.after(() => host.stop());
  const theirs: AbstractStreamMuxer[] = [];
  for (let index = 0; index < peers; index++) theirs.push(await unreading(t, host));
  await eventually('they are connected', () => host.libp2p.getConnections().length === peers);
  const ours = host.libp2p.getConnections() as unknown as Ours[];
  const isOpen = ({ status }: Ours): boolean => status === 'open';
  let waited = 0;
  return {
    host,
    waitedBytes: () => waited,
    async flood(frameAt) {
      for (let index = 0; index < 1e7 && ours.some(isOpen); index += 1_000) {
        const frames = Array.from({ length: 1_000 }, (_, more) => frameAt(index + more));
        const sent = new Uint8Array(Buffer.concat(frames));
        for (const muxer of theirs) if (muxer.status === 'open') muxer.send(sent);
        await new Promise(setImmediate);
        const here = ours.filter(isOpen).map(bytesOf);
        waited = Math.max(
          waited,
          here.reduce((sum, bytes) => sum + bytes, 0),
        );
      }
    },
  };
}

function bytesOf({ maConn, muxer }: Ours): number {
  return muxer.maConn.writeBufferLength + maConn.writeBufferLength + maConn.socket.writableLength;
}

/** One more peer; what it sends from. */
async function unreading(t: TestContext, host: Host): Promise<AbstractStreamMuxer> {
  const sockets: Socket[] = [];
  const before = host.libp2p.getConnections().length;
  const peer = await loopbackHost({
    carriesRuns: false,
    profile: {
      ...tcpProfile({ listen: [] }),
      opened: (connection) => {
        if ('socket' in connection && connection.socket instanceof Socket) sockets.push(connection.socket);
      },
    },
  });
  t.after(() => peer.stop());
  await connected(peer, host);
  await eventually('it is connected', () => host.libp2p.getConnections().length === before + 1);
  for (const socket of sockets) socket.pause();
  const [theirs] = peer.libp2p.getConnections() as unknown as { muxer: AbstractStreamMuxer }[];
  return theirs!.muxer;
}
