/** Is the network private, can others dial this node, and if not, is there a relay? */
import { rangeOf } from '../../network/host/address-parts.ts';
import { amount } from '../../node/words/amount.ts';
import type { DoctorFacts, NetworkFacts } from './facts.ts';
import type { Finding } from './finding.ts';

export function connectivityFindings({ network, process }: DoctorFacts): Finding[] {
  const isUp = process.kind === 'answers' || process.kind === 'bootstrap';
  const ofRunning = isUp
    ? [...natFindings(network), ...routerFindings(network), ...relayFindings(network)]
    : [];
  return [...privacyFindings(network), ...ofRunning];
}

function privacyFindings({ privacy }: NetworkFacts): Finding[] {
  const id = 'network';
  switch (privacy.kind) {
    case 'open':
      return [];
    case 'opened':
      return [{ id, level: 'fine', text: 'the network is private, and its key is at hand' }];
    case 'locked':
      return [
        privacy.problem === null
          ? {
              ...{
                id,
                level: 'watch',
                text: 'the network is private: without its key nothing of it can be tried',
              },
              todo: 'give the file of its key with --network-key, or --config with the file of the node',
            }
          : {
              ...{ id, level: 'wrong', text: privacy.problem },
              todo: 'put the key that the other nodes have there, with mode 0600',
            },
      ];
    default:
      return privacy satisfies never;
  }
}

/** A node tells a public address once somebody else dialled it (AutoNAT), and a place at a relay where nobody could. */
function natFindings({ addresses, untried, announces, connectivity }: NetworkFacts): Finding[] {
  const id = 'nat';
  const direct = addresses.filter((address) => !isRelayed(address));
  if (direct.length > 0 && addresses.every((address) => rangeOf(address) === 'this machine')) return [];
  if (announces) {
    return [
      { id, level: 'fine', text: 'what is announced is told as it is: nobody tries whether it leads here' },
    ];
  }
  const open = direct.filter((address) => rangeOf(address) === 'anywhere' && !untried.includes(address));
  if (open.length > 0) {
    return [{ id, level: 'fine', text: `reachable: others have dialled ${open.join(' and ')}` }];
  }
  const places = addresses.filter(isRelayed);
  if (places.length > 0) {
    const relays = new Set(places.map((address) => /\/p2p\/(\w+)\/p2p-circuit/.exec(address)?.[1]));
    return [
      {
        id,
        level: 'fine',
        text: `behind NAT: others come by way of ${amount(relays.size, 'relay')}, and directly where they can be dialled`,
      },
    ];
  }
  if (untried.length > 0) {
    return [
      {
        ...{ id, level: 'watch' },
        text: `not known: this machine has a public address, and nobody has dialled ${untried.join(' or ')} yet; until then no peer is told of it`,
        todo: 'give it to somebody who starts a node with it as --bootstrap, or try it with `starlings doctor` on another machine',
      },
    ];
  }
  return [
    {
      ...{
        id,
        level: 'watch',
        text: 'not known: nobody elsewhere has dialled a public address of this node yet',
      },
      todo:
        connectivity?.relay.use === false
          ? 'forward a port and name it with `announce`, or let it use relays, which `connectivity.relay.use` forbids'
          : 'wait a minute after the start, then name a bootstrap that relays with `bootstrap`, or forward a port and name it with `announce`',
    },
  ];
}

/** Whether the router would give out a port, where nobody has come in by any other way. */
function routerFindings({ addresses, announces, connectivity, router }: NetworkFacts): Finding[] {
  const direct = addresses.filter((address) => !isRelayed(address));
  const isReached = announces || direct.some((address) => rangeOf(address) === 'anywhere');
  const isLocal = direct.length > 0 && addresses.every((address) => rangeOf(address) === 'this machine');
  if (router === null || connectivity === null || isReached || isLocal) return [];
  const { gateway, external } = router;
  const id = 'router';
  if (external === null) {
    if (!connectivity.mapPorts) return [];
    return [
      {
        ...{ id, level: 'watch', text: `the router ${gateway} gives out no ports by NAT-PMP` },
        todo: 'turn NAT-PMP or UPnP on there; for UPnP also npm install @libp2p/upnp-nat@4.0.28 and start the node again',
      },
    ];
  }
  if (rangeOf(`/ip4/${external}/tcp/1`) !== 'anywhere') {
    return [
      {
        ...{ id, level: 'watch' },
        text: `the router ${gateway} gives out ports by NAT-PMP, and has no public address itself (${external}): it is behind NAT as well`,
        todo: 'none of its ports lead here from elsewhere: use a relay, or have whoever runs the outer NAT forward a port',
      },
    ];
  }
  return [
    connectivity.mapPorts
      ? {
          ...{ id, level: 'watch' },
          text: `the router ${gateway} gives out ports of ${external} by NAT-PMP, and nobody has come in by one yet`,
          todo: 'wait a minute after the start: peers try the address before it is told',
        }
      : {
          ...{ id, level: 'watch' },
          text: `the router ${gateway} gives out ports of ${external} by NAT-PMP, and this node asks for none`,
          todo: 'start it with --map-ports, or `connectivity.mapPorts: true` in its file',
        },
  ];
}

function relayFindings({ connectivity }: NetworkFacts): Finding[] {
  if (connectivity?.relay.serve !== true) return [];
  const { reservationsMax, bytesMax, bytesPerHourMax } = connectivity.relay;
  const inMB = (bytes: number): string => `${Math.round(bytes / 1e6).toLocaleString('en')} MB`;
  const together = bytesPerHourMax === null ? '' : ` and ${inMB(bytesPerHourMax)} an hour over all`;
  return [
    {
      ...{ id: 'relay', level: 'fine' },
      text: `relays for up to ${amount(reservationsMax, 'node')}, ${inMB(bytesMax)} over each connection${together}`,
    },
  ];
}

function isRelayed(address: string): boolean {
  return address.includes('/p2p-circuit');
}
