/** How a node or a bootstrap and others come to be connected, as flags. */
import type { Command } from 'commander';
import type { Connectivity, ConnectivityGiven } from '../../../daemon/connectivity.ts';

/** What the user gave. */
export interface ConnectivityFlags {
  readonly relay?: boolean;
  readonly relayServe?: boolean;
  readonly mapPorts?: true;
  readonly mdns?: boolean;
  readonly networkKey?: string;
}

/** @param servesRelay whether it relays for others where nobody says otherwise */
export function addConnectivityOptions(command: Command, servesRelay: boolean): Command {
  return (
    servesRelay
      ? command.option('--no-relay-serve', 'do not relay for nodes that nobody can dial')
      : command.option('--relay-serve', 'relay for nodes that nobody can dial')
  )
    .option('--no-relay', 'use no relays: neither to reach others nor to be reached')
    .option(
      '--map-ports',
      'ask the router for a port by NAT-PMP, and by UPnP where @libp2p/upnp-nat is installed (npm install @libp2p/upnp-nat@4.0.28)',
    )
    .option('--no-mdns', 'neither look for nodes on the local network nor be found there')
    .option(
      '--network-key <file>',
      'key of a private network (64 hexadecimal digits, mode 0600): who lacks it cannot connect',
    );
}

/** Flags go before what a file says. */
export function connectivityOf(
  flags: ConnectivityFlags,
  file: Partial<Connectivity> = {},
): ConnectivityGiven {
  const { relay, relayServe, mapPorts, mdns, networkKey } = flags;
  return {
    ...file,
    relay: {
      ...file.relay,
      ...(relay === undefined ? {} : { use: relay }),
      ...(relayServe === undefined ? {} : { serve: relayServe }),
    },
    ...(mapPorts === undefined ? {} : { mapPorts }),
    ...(mdns === undefined ? {} : { multicastDns: mdns }),
    ...(networkKey === undefined ? {} : { networkKey }),
  };
}
