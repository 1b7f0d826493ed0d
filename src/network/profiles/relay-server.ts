/**
 * Relays for others, within limits. The library bounds each relayed connection and the number of places; here besides what all of them carry
 * in an hour, and what whoever has one address, or a network of them, gets of both.
 */
import type { ConnectionGater, PeerId, Stream } from '@libp2p/interface';
import type { Libp2pInit, ServiceFactoryMap } from 'libp2p';
import { type OriginOf, publicOrigin } from '../conduct/origins.ts';
import { TokenBuckets } from '../conduct/token-buckets.ts';
import { isRelayed } from '../host/announced-addresses.ts';
import { hasPlace, placesAsked, RelayBytes, RelayCalls, type RelayPlaces } from './relay-quotas.ts';

type Components = Parameters<NonNullable<Libp2pInit['transports']>[number]>[0];
type Handler = Parameters<Components['registrar']['handle']>[1];

export interface RelayLimits extends RelayPlaces {
  readonly reservationsMax: number;
  /** Of one connection, both directions together. */
  readonly bytesMax: number;
  /** Of one connection. */
  readonly durationMsMax: number;
  /** Of all connections, both directions together. */
  readonly bytesPerHourMax: number;
}

/** So long whoever is not connected has its place: lines break, and are made anew. As the library has it, it is two hours. Guess. */
const awayMsMax = 60_000;

interface Reservation {
  readonly addr: Parameters<OriginOf>[0];
  /** Says when it ends. */
  readonly signal: { clear(): void };
}

type Reservations = Pick<Map<PeerId, Reservation>, 'delete' | 'entries' | 'get' | 'has' | 'values'>;

interface Server {
  readonly reservations: Reservations;
}

/** @param originOf what counts as one address; `nowMs`: a clock that never goes back */
export async function relayServer(
  limits: RelayLimits,
  originOf: OriginOf = publicOrigin,
  nowMs: () => number = () => performance.now(),
): Promise<ServiceFactoryMap<Record<string, unknown>>> {
  const { circuitRelayServer } = await import('@libp2p/circuit-relay-v2');
  const create = circuitRelayServer({
    reservations: {
      maxReservations: limits.reservationsMax,
      defaultDataLimit: BigInt(limits.bytesMax),
      defaultDurationLimit: limits.durationMsMax,
    },
  });
  return {
    relayServer: (components: Components) => {
      const bytes = new RelayBytes(limits.bytesPerHourMax);
      const gate = gateOf(components, { limits, originOf, bytes, nowMs, server: () => server });
      const registrar = { value: counting(components.registrar, originOf, bytes, nowMs) };
      const server = create(
        Object.create(components, { connectionGater: { value: gate }, registrar }),
      ) as Server;
      return server;
    },
  };
}

interface GateOptions {
  readonly limits: RelayLimits;
  readonly originOf: OriginOf;
  readonly bytes: RelayBytes;
  readonly nowMs: () => number;
  readonly server: () => Server;
}

function gateOf(
  { connectionGater: gater, connectionManager, events }: Components,
  { limits, originOf, bytes, nowMs, server }: GateOptions,
): ConnectionGater {
  const calls = new RelayCalls();
  const asked = new TokenBuckets(placesAsked);
  const leftAt = new WeakMap<Reservation, number>();
  events.addEventListener('peer:disconnect', ({ detail }) => {
    const reservation = server().reservations.get(detail);
    if (reservation) leftAt.set(reservation, nowMs());
  });
  /** Of a peer with several connections each counts: it is not said over which it asks. */
  const originsOf = (peer: PeerId): (string | null)[] => {
    const direct = connectionManager.getConnections(peer).filter(({ remoteAddr }) => !isRelayed(remoteAddr));
    return [...new Set(direct.map(({ remoteAddr }) => originOf(remoteAddr)))];
  };
  return {
    denyInboundRelayReservation: async (peer) => {
      if ((await gater.denyInboundRelayReservation?.(peer)) === true) return true;
      if (!asked.takes(peer.toString(), nowMs())) return true;
      const { reservations } = server();
      // Who has a place keeps it.
      if (reservations.has(peer)) return false;
      freePlaces(connectionManager, reservations, leftAt, nowMs());
      const taken = [...reservations.values()].map(({ addr }) => originOf(addr));
      return !originsOf(peer).every((origin) => hasPlace(origin, taken, limits));
    },
    denyOutboundRelayedConnection: async (from, to) =>
      (await gater.denyOutboundRelayedConnection?.(from, to)) === true ||
      originsOf(from).some((origin) => bytes.isSpent(origin, nowMs())) ||
      // Whose address says nothing of who is behind it goes by its key.
      !calls.takes(originsOf(from)[0] ?? from.toString(), to.toString(), nowMs()),
  };
}

/** Takes their places from those who have been away for long. */
function freePlaces(
  connections: Pick<Components['connectionManager'], 'getConnections'>,
  reservations: Reservations,
  leftAt: WeakMap<Reservation, number>,
  nowMs: number,
): void {
  for (const [peer, reservation] of [...reservations.entries()]) {
    const awayMs = nowMs - (leftAt.get(reservation) ?? nowMs);
    if (awayMs < awayMsMax || connections.getConnections(peer).length > 0) continue;
    reservation.signal.clear();
    reservations.delete(peer);
  }
}

/** What takes requests for relayed connections: whatever goes over such a stream, either way, is passed on. */
function counting(
  registrar: Components['registrar'],
  originOf: OriginOf,
  bytes: RelayBytes,
  nowMs: () => number,
): Pick<Components['registrar'], 'handle' | 'unhandle'> {
  const counted =
    (handler: Handler): Handler =>
    (stream, connection) => {
      const origin = originOf(connection.remoteAddr);
      count(stream, (length) => {
        bytes.note(origin, length, nowMs());
        return !bytes.isSpent(origin, nowMs());
      });
      return handler(stream, connection);
    };
  return {
    handle: (protocol, handler, options) => registrar.handle(protocol, counted(handler), options),
    unhandle: (protocol, options) => registrar.unhandle(protocol, options),
  };
}

/** Of the library's inside: where what arrives for a stream is given to it. Who listens to it instead would take it from whoever reads. */
interface Fed {
  onData(data: { readonly byteLength: number }): void;
}

/** Of what comes before we answer: the request, with the addresses of one peer in it. The library takes 4 MiB. Guess. */
const requestBytesMax = 8192;

/** @param mayGoOn is told of bytes; where it says no the stream is cut, and with it what it was joined to */
function count(stream: Stream, mayGoOn: (bytes: number) => boolean): void {
  const fed = stream as Stream & Partial<Fed>;
  if (typeof fed.onData !== 'function')
    throw new Error('this version of libp2p feeds its streams another way: count there what is relayed');
  const [send, take] = [stream.send.bind(stream), fed.onData.bind(stream)];
  const cut = (): void => stream.abort(new Error('this relay has passed on all that it does in an hour'));
  let requestBytes = 0;
  let isAnswered = false;
  stream.send = (data) => {
    isAnswered = true;
    const isAllowed = mayGoOn(data.byteLength);
    const isOpen = send(data);
    if (!isAllowed) cut();
    return isOpen;
  };
  fed.onData = (data) => {
    if (!isAnswered) requestBytes += data.byteLength;
    if (requestBytes > requestBytesMax) stream.abort(new Error('this is longer than any request to a relay'));
    else if (mayGoOn(data.byteLength)) take(data);
    else cut();
  };
}
