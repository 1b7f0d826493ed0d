/**
 * Counts the bytes that really cross this node's connections: gossip, DHT, handshakes and encryption included.
 * libp2p hands every new connection to its metrics component before the upgrade; what counts its bytes is the
 * profile's to say, since that depends on the transport.
 */
import type {
  Counter,
  CounterGroup,
  Metric,
  MetricGroup,
  Metrics,
  MultiaddrConnection,
} from '@libp2p/interface';

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

/** @param bytesOf counts the bytes of a new connection; null for one that it cannot count */
export function createTrafficMeter(
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
    metrics: { ...ignoredMetrics, trackMultiaddrConnection: track },
    read: () => [...open].reduce((sum, bytes) => sumOf(sum, bytes.read()), closed),
  };
}

function sumOf(a: Traffic, b: Traffic): Traffic {
  return { bytesIn: a.bytesIn + b.bytesIn, bytesOut: a.bytesOut + b.bytesOut };
}

const ignore = () => {};
const stopIgnoring = () => ignore;
/** Takes every reading libp2p offers and keeps none: the byte counts are all this node asks of it. */
const ignoredReading: Metric & MetricGroup & Counter & CounterGroup & { observe(value: unknown): void } = {
  update: ignore,
  increment: ignore,
  decrement: ignore,
  reset: ignore,
  observe: ignore,
  timer: stopIgnoring,
};
const ignoredRegistration = () => ignoredReading;

const ignoredMetrics: Omit<Metrics, 'trackMultiaddrConnection'> = {
  trackProtocolStream: ignore,
  registerMetric: ignoredRegistration,
  registerMetricGroup: ignoredRegistration,
  registerCounter: ignoredRegistration,
  registerCounterGroup: ignoredRegistration,
  registerHistogram: ignoredRegistration,
  registerHistogramGroup: ignoredRegistration,
  registerSummary: ignoredRegistration,
  registerSummaryGroup: ignoredRegistration,
  traceFunction: <F>(_name: string, traced: F) => traced,
  createTrace: ignore,
};
