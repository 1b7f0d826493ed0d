/**
 * Counts the bytes that really cross this node's connections: gossip, DHT, handshakes and encryption included.
 * libp2p hands every new connection to its metrics component before the upgrade; what counts its bytes is the
 * profile's to say, since that depends on the transport.
 */
import type { Metrics, MultiaddrConnection, Stream } from '@libp2p/interface';
import type { HostReadings } from './host-readings.ts';

export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** The bytes of one connection, as they stand when asked. */
export interface ConnectionBytes {
  read(): Traffic;
  /** Calls back once, when `read` has given its last figures. */
  onceClosed(callback: () => void): void;
}

export interface TrafficMeter {
  /** Pass this to libp2p as its metrics component. */
  readonly metrics: Metrics;
  /** Bytes over all connections, closed ones included, since the start of the node. */
  read(): Traffic;
}

/**
 * @param readings keeps what libp2p says of itself besides
 * @param bytesOf counts the bytes of a new connection; null for one that it cannot count
 */
export function createTrafficMeter(
  readings: HostReadings,
  bytesOf: (connection: MultiaddrConnection) => ConnectionBytes | null,
): TrafficMeter {
  const open = new Set<ConnectionBytes>();
  let closed: Traffic = { bytesIn: 0, bytesOut: 0 };

  function track(connection: MultiaddrConnection): void {
    const bytes = bytesOf(connection);
    if (bytes === null) {
      return;
    }
    open.add(bytes);
    bytes.onceClosed(() => {
      open.delete(bytes);
      closed = sumOf(closed, bytes.read());
    });
  }

  return {
    metrics: {
      ...readings.metrics(),
      trackMultiaddrConnection: track,
      trackProtocolStream: (stream) => readings.trackStream(stream as Stream),
      traceFunction: <F>(_name: string, traced: F) => traced,
      createTrace: () => {},
    },
    read: () => [...open].reduce((sum, bytes) => sumOf(sum, bytes.read()), closed),
  };
}

function sumOf(a: Traffic, b: Traffic): Traffic {
  return { bytesIn: a.bytesIn + b.bytesIn, bytesOut: a.bytesOut + b.bytesOut };
}
