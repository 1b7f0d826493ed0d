/** A node that is connected with its friends alone: it listens nowhere, and dials nobody else. */
import type { HostProfile } from '../../src/network/profiles/host-profile.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';

/** `admitted`: multiaddrs, without the key at the end. */
export function friendsProfile(admitted: () => readonly string[]): HostProfile {
  const profile = tcpProfile({ listen: [] });
  return {
    ...profile,
    transports: profile.transports.map((create) => (components) => {
      const transport = create(components);
      const dial = transport.dial.bind(transport);
      transport.dial = (address, options) => {
        const at = address.toString();
        if (!admitted().some((one) => at.startsWith(one))) throw new Error('nobody whom it knows');
        return dial(address, options);
      };
      return transport;
    }),
  };
}
