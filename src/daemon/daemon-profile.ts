/** The host of a node or a bootstrap, as its file and flags have it. */
import { loadNetworkKey } from '../network/identity.ts';
import type { HostProfile } from '../network/profiles/host-profile.ts';
import { nodeProfile } from '../network/profiles/node-profile.ts';
import type { TcpAddresses } from '../network/profiles/tcp.ts';
import { type ConnectivityGiven, connectivitySchema } from './connectivity.ts';

/** @throws IdentityError where the key cannot be used, AddressError */
export async function daemonProfile(
  addresses: TcpAddresses,
  given: ConnectivityGiven = {},
): Promise<HostProfile> {
  const { relay, mapPorts, multicastDns, networkKey } = connectivitySchema.parse(given);
  return nodeProfile({
    ...addresses,
    useRelays: relay.use,
    serveRelay: relay.serve ? relay : null,
    mapPorts,
    multicastDns,
    networkKey: networkKey === undefined ? null : await loadNetworkKey(networkKey),
  });
}
