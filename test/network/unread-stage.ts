/** A peer that asks a host for small answers by the thousand and reads none of them, on real sockets. */
import { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { AbstractStreamMuxer } from '@libp2p/utils';
import type { Host } from '../../src/network/host/host.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { connected, eventually, loopbackHost } from './real-hosts.ts';

const headerBytes = 12;
export const [windowType, pingType] = [1, 2];
const startFlag = 1;

/** https://github.com/hashicorp/yamux/blob/master/spec.md */
export function frameOf(type: number, stream: number, length: number): Uint8Array {
  const frame = new DataView(new ArrayBuffer(headerBytes));
  frame.setUint8(1, type);
  frame.setUint16(2, startFlag);
  frame.setUint32(4, stream);
  frame.setUint32(8, length);
  return new Uint8Array(frame.buffer);
}

/** A connection of libp2p inside: encrypted, and the socket under it. */
interface Ours {
  readonly muxer: { readonly maConn: { readonly writeBufferLength: number } };
  readonly maConn: { readonly writeBufferLength: number; readonly socket: Socket };
}

export interface Stage {
  readonly host: Host;
  /** Sends what is no stream's, a thousand frames at a time, as long as the connection is there. */
  readonly flood: (frameAt: (index: number) => Uint8Array) => Promise<void>;
  /** Largest number of bytes that waited for the peer. */
  readonly waitedBytes: () => number;
}

/** A host, and one that has dialled it and reads its socket no more. */
export async function stage(t: TestContext): Promise<Stage> {
  const sockets: Socket[] = [];
  const profile = tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] });
  const host = await loopbackHost({ carriesRuns: false });
  const peer = await loopbackHost({
    carriesRuns: false,
    profile: {
      ...profile,
      opened: (connection) => {
        if ('socket' in connection && connection.socket instanceof Socket) sockets.push(connection.socket);
      },
    },
  });
  t.after(() => Promise.all([host.stop(), peer.stop()]));
  await connected(peer, host);
  await eventually('they are connected', () => host.libp2p.getConnections().length === 1);
  for (const socket of sockets) socket.pause();
  const [theirs] = peer.libp2p.getConnections() as unknown as { muxer: AbstractStreamMuxer }[];
  const [ours] = host.libp2p.getConnections() as unknown as Ours[];
  let waited = 0;
  return {
    host,
    waitedBytes: () => waited,
    async flood(frameAt) {
      for (let index = 0; index < 1e7 && host.libp2p.getConnections().length > 0; ) {
        const frames = Array.from({ length: 1_000 }, () => frameAt(index++));
        theirs!.muxer.send(new Uint8Array(Buffer.concat(frames)));
        await new Promise(setImmediate);
        const { maConn, muxer } = ours!;
        const here = muxer.maConn.writeBufferLength + maConn.writeBufferLength;
        waited = Math.max(waited, here + maConn.socket.writableLength);
      }
    },
  };
}
