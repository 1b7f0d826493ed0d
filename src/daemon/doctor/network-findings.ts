/** What is my address, am I reachable, and which bootstrap failed how? */
import { type AddressRange, rangeOf } from '../../network/host/address-parts.ts';
import type { Probe, ProbeOutcome } from '../../network/probe.ts';
import { amount } from '../../node/words/amount.ts';
import type { DoctorFacts, NetworkFacts, ProcessFacts } from './facts.ts';
import type { Finding } from './finding.ts';

export function networkFindings({ network, process, place }: DoctorFacts): Finding[] {
  const isUp = process.kind === 'answers' || process.kind === 'bootstrap';
  return [
    ...network.closedPorts.map(
      ({ address, reason }): Finding => ({
        ...{ id: 'listen', level: 'wrong', text: `${address} cannot be listened on (${reason})` },
        todo: 'choose another port with `listen`, or end what has this one',
      }),
    ),
    ...(network.addresses.length === 0 && !isUp ? [] : [addressFinding(network)]),
    ...(isUp ? reachableFindings(network) : []),
    // Behind a lock nothing was tried.
    ...(network.privacy.kind === 'locked'
      ? []
      : bootstrapFindings(network, process, place?.isOfBootstrap ?? false)),
  ];
}

const farFirst: readonly AddressRange[] = ['anywhere', 'this network', 'this machine'];

function addressFinding({ addresses, announces }: NetworkFacts): Finding {
  const id = 'address';
  if (addresses.length === 0) {
    return { id, level: 'wrong', text: 'this node has no address', todo: 'give it one with `listen`' };
  }
  const range = farFirst.find((each) => addresses.some((address) => rangeOf(address) === each))!;
  const text = `others dial ${addresses.filter((address) => rangeOf(address) === range).join(' or ')}`;
  switch (range) {
    case 'anywhere':
      return { id, level: 'fine', text };
    case 'this network':
      return {
        ...{ id, level: 'watch', text: `${text}: private, so from its own network alone` },
        todo: announces
          ? 'announce the address under which the rest of the world sees this machine'
          : 'for peers elsewhere forward a port of the router to it and name that with `announce`',
      };
    case 'this machine':
      return {
        ...{ id, level: 'watch', text: `${text}: the loopback interface, so from this machine alone` },
        todo: 'for peers on other machines listen on /ip4/0.0.0.0/tcp/4001',
      };
    default:
      return range satisfies never;
  }
}

/** What somebody on this machine can dial says nothing of firewalls between; who came from elsewhere does. */
function reachableFindings({ doors, peers, privacy }: NetworkFacts): Finding[] {
  const id = 'reachable';
  const closed = doors.filter(({ outcome }) => outcome.kind !== 'answers');
  if (closed.length > 0) {
    return closed.map(({ address, outcome }) => ({
      ...{
        id,
        level: 'wrong',
        text: `${address}, which others dial, ${whatHappens(outcome)} from this machine`,
      },
      todo:
        outcome.kind === 'other-key'
          ? 'another node has this address: give each a port of its own, and announce the right one'
          : outcome.kind === 'no-node'
            ? keyHint(privacy)
            : 'check the firewall, the forwarded port and `announce`; some routers do not lead back to a machine behind them, then have somebody outside run `starlings doctor`',
    }));
  }
  const from = peers.flatMap(({ dialledFrom }) => dialledFrom);
  const far = farFirst.find((each) => from.some((address) => rangeOf(address) === each));
  if (far === undefined) {
    const tried = doors.length === 0 ? '' : 'every address answers from this machine, and ';
    return [
      {
        ...{
          id,
          level: 'watch',
          text: `${tried}no connected peer has dialled this node: whether others can is not known`,
        },
        todo: 'run `starlings doctor` on another machine with the address of this one as --bootstrap',
      },
    ];
  }
  const whence = far === 'anywhere' ? 'from elsewhere' : `from ${far}`;
  const dialled = peers.filter((peer) => peer.dialledFrom.length > 0).length;
  return [{ id, level: 'fine', text: `${amount(dialled, 'connected peer')} dialled this node, ${whence}` }];
}

function bootstrapFindings(
  { bootstraps, peers, remembered, privacy }: NetworkFacts,
  { kind }: ProcessFacts,
  isOfBootstrap: boolean,
): Finding[] {
  const id = 'bootstrap';
  if (bootstraps.length === 0) {
    if (peers.length > 0 || kind === 'bootstrap' || isOfBootstrap) return [];
    // Of a node that was started and does not answer nobody knows what it was given.
    if (remembered === 0 && kind !== 'none' && kind !== 'answers') return [];
    return [
      remembered > 0
        ? {
            id,
            level: 'fine',
            text: `no bootstrap is named; ${amount(remembered, 'address', 'addresses')} of peers are remembered`,
          }
        : {
            ...{ id, level: 'wrong', text: 'no bootstrap is named and no peer is remembered' },
            todo: 'give the address of any node or bootstrap with `bootstrap` (--bootstrap)',
          },
    ];
  }
  // One way in is enough, and who has peers needs none.
  const isIn = peers.length > 0 || bootstraps.some(({ outcome }) => outcome.kind === 'answers');
  return bootstraps.map((probe): Finding => {
    const text = `${probe.address} ${whatHappens(probe.outcome)}`;
    const todo = todoOf(probe, privacy);
    return todo === null ? { id, level: 'fine', text } : { id, level: isIn ? 'watch' : 'wrong', text, todo };
  });
}

function whatHappens(outcome: ProbeOutcome): string {
  switch (outcome.kind) {
    case 'answers':
      return 'answers';
    case 'no-name':
      return `has a name that leads nowhere (${outcome.reason})`;
    case 'refused':
      return 'refuses connections';
    case 'timeout':
      return 'does not answer in time';
    case 'unreachable':
      return `cannot be reached (${outcome.reason})`;
    case 'other-key':
      return `is another node, ${outcome.peerId}`;
    case 'no-node':
      return `takes connections and is no node that we understand (${outcome.reason})`;
    default:
      return outcome satisfies never;
  }
}

/** Whoever has another key of the network, or none, hears noise; so does who dials another program. */
function keyHint({ kind }: NetworkFacts['privacy']): string {
  return kind === 'opened'
    ? 'see that it is the key of this network that was given here (--network-key), and that a node has this port'
    : 'where the network is private give its key (--network-key FILE); else see that a node has this port, of the same version of starlings';
}

function todoOf({ outcome }: Probe, privacy: NetworkFacts['privacy']): string | null {
  switch (outcome.kind) {
    case 'answers':
      return null;
    case 'no-name':
      return 'correct the name, or the DNS servers of this machine';
    case 'refused':
      return 'start the bootstrap, or correct the port: the machine is there and nobody listens';
    case 'timeout':
      return 'check that the machine is up and that no firewall drops what goes to that port';
    case 'unreachable':
      return 'check the line of this machine and its routes; an IPv6 address needs IPv6 at both ends';
    case 'other-key':
      return 'take the whole address that the bootstrap prints today: its key was lost, or another node has its port';
    case 'no-node':
      return keyHint(privacy);
    default:
      return outcome satisfies never;
  }
}
