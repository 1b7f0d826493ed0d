/**
 * A dial of one address ends after so much time in which we have listened. libp2p ends it by the clock: where many nodes share a processor, or
 * one is busy, handshakes are given up while the other side's word lies in the socket, and made again.
 */
import type { Libp2pInit } from 'libp2p';
import { withDeadline } from '../deadline.ts';

type TransportFactories = NonNullable<Libp2pInit['transports']>;

/** The same transports, whose dials end after `timeoutMs`. */
export function patientDials(factories: TransportFactories, timeoutMs: number): TransportFactories {
  return factories.map((create) => (components) => {
    const transport = create(components);
    const dial = transport.dial.bind(transport);
    transport.dial = (address, options) =>
      withDeadline(timeoutMs, 'no connection', [options.signal], (signal) =>
        dial(address, { ...options, signal }),
      );
    return transport;
  });
}
