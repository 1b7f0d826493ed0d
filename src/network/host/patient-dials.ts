/**
 * A dial of one address ends after so much time in which we have listened. libp2p ends it by the clock: where many nodes share a processor, or
 * one is busy, handshakes are given up while the other side's word lies in the socket, and made again.
 */
import type { Transport } from '@libp2p/interface';
import type { Libp2pInit } from 'libp2p';
import { withDeadline } from '../deadline.ts';

type TransportFactories = NonNullable<Libp2pInit['transports']>;

/** The same transports, whose dials end after `timeoutMs`. */
export function patientDials(factories: TransportFactories, timeoutMs: number): TransportFactories {
  return factories.map((create) => (components) => patient(create(components), timeoutMs));
}

function patient(transport: Transport, timeoutMs: number): Transport {
  const dial: Transport['dial'] = (address, options) =>
    withDeadline(timeoutMs, 'no connection', [options.signal], (signal) =>
      transport.dial(address, { ...options, signal }),
    );
  // Its methods are called as its own, for some look into private fields; and it may be such that nothing can be written to it.
  return new Proxy({} as Transport, {
    get(_, key) {
      if (key === 'dial') return dial;
      const value: unknown = Reflect.get(transport, key);
      return typeof value === 'function' ? value.bind(transport) : value;
    },
    has: (_, key) => Reflect.has(transport, key),
    set: (_, key, value) => Reflect.set(transport, key, value),
  });
}
