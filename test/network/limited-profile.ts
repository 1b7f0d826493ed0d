/**
 * TCP whose connections count as limited, as those over a relay do: libp2p then refuses every stream that was
 * not asked for with `runOnLimitedConnection`, at both ends.
 */
import type { CreateListenerOptions, Transport, Upgrader } from '@libp2p/interface';
import type { Libp2pInit } from 'libp2p';
import type { HostProfile } from '../../src/network/profiles/host-profile.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';

type TransportFactory = NonNullable<Libp2pInit['transports']>[number];

const LIMITS = { seconds: 600, bytes: 1n << 30n };

export function limitedProfile(listen: readonly string[]): HostProfile {
  const profile = tcpProfile({ listen });
  return { ...profile, transports: profile.transports.map(limited) };
}

function limited(create: TransportFactory): TransportFactory {
  return (components) => {
    const transport = create(components);
    return Object.create(transport, {
      dial: {
        value: (...[address, options]: Parameters<Transport['dial']>) =>
          transport.dial(address, { ...options, upgrader: limiting(options.upgrader) }),
      },
      createListener: {
        value: (options: CreateListenerOptions) =>
          transport.createListener({ ...options, upgrader: limiting(options.upgrader) }),
      },
    });
  };
}

function limiting(upgrader: Upgrader): Upgrader {
  return Object.create(upgrader, {
    upgradeOutbound: {
      value: (...[connection, options]: Parameters<Upgrader['upgradeOutbound']>) =>
        upgrader.upgradeOutbound(connection, { ...options, limits: LIMITS }),
    },
    upgradeInbound: {
      value: (...[connection, options]: Parameters<Upgrader['upgradeInbound']>) =>
        upgrader.upgradeInbound(connection, { ...options, limits: LIMITS }),
    },
  });
}
