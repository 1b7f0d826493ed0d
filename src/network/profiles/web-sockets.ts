/**
 * TCP behind HTTP, for networks that let nothing else through. The library is loaded with the first address that
 * needs it: most nodes never meet one.
 */
import {
  type CreateListenerOptions,
  type Listener,
  type MultiaddrConnection,
  type Transport,
  transportSymbol,
} from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Libp2pInit } from 'libp2p';
import type { ConnectionBytes } from '../host/traffic.ts';

type TransportFactory = NonNullable<Libp2pInit['transports']>[number];
type Components = Parameters<TransportFactory>[0];

export function namesWebSocket(address: Multiaddr): boolean {
  const names = address.getComponents().map(({ name }) => name);
  return !names.includes('p2p-circuit') && names.some((name) => name === 'ws' || name === 'wss');
}

/** To dial and to listen. */
export async function webSocketTransport(): Promise<TransportFactory> {
  const { webSockets } = await import('@libp2p/websockets');
  return webSockets();
}

/** To dial alone. */
export function lazyWebSocketTransport(): TransportFactory {
  return (components) => new LazyWebSockets(components);
}

class LazyWebSockets implements Transport {
  readonly [transportSymbol] = true;
  readonly [Symbol.toStringTag] = '@libp2p/websockets';
  readonly #components: Components;
  #loading: Promise<Transport> | null = null;

  constructor(components: Components) {
    this.#components = components;
  }

  async dial(...[address, options]: Parameters<Transport['dial']>): ReturnType<Transport['dial']> {
    this.#loading ??= webSocketTransport().then((create) => create(this.#components));
    return (await this.#loading).dial(address, options);
  }

  createListener(_options: CreateListenerOptions): Listener {
    throw new Error('this transport was made to dial alone');
  }

  listenFilter(): Multiaddr[] {
    return [];
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(namesWebSocket);
  }
}

/** What goes through the frames of a WebSocket; their heads, 2 to 14 bytes each, and HTTP before them are left out. */
export function webSocketBytes(connection: MultiaddrConnection): ConnectionBytes | null {
  if (!('websocket' in connection) || !isMessageSource(connection.websocket)) return null;
  let bytesIn = 0;
  let bytesOut = 0;
  const send = connection.send.bind(connection);
  connection.send = (data) => {
    bytesOut += data.byteLength;
    return send(data);
  };
  // Not of the connection, which would take our listening for somebody's reading.
  connection.websocket.addEventListener('message', ({ data }) => {
    if (data instanceof ArrayBuffer) bytesIn += data.byteLength;
  });
  return {
    read: () => ({ bytesIn, bytesOut }),
    onceClosed: (callback) => connection.addEventListener('close', () => callback(), { once: true }),
  };
}

/** Node's own where we dialled, that of `ws` where we listen. */
interface MessageSource {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

function isMessageSource(socket: unknown): socket is MessageSource {
  return typeof socket === 'object' && socket !== null && 'addEventListener' in socket;
}
