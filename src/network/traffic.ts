/**
 * Counts the bytes that really cross this node's sockets: gossip, DHT, handshakes and encryption included.
 * libp2p hands every new connection to its metrics component before the upgrade; the kernel-side counters of
 * the TCP socket underneath are exact and cost nothing per packet.
 */
import { Socket } from 'node:net';
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

export interface TrafficMeter {
  /** Pass this to libp2p as its metrics component. */
  readonly metrics: Metrics;
  /** Bytes over all sockets, closed ones included, since the start of the node. */
  read(): Traffic;
}

export function createTrafficMeter(): TrafficMeter {
  const open = new Set<Socket>();
  let closedIn = 0;
  let closedOut = 0;

  function track(connection: MultiaddrConnection): void {
    // Only TCP connections carry a socket; this host listens on nothing else.
    if (!('socket' in connection) || !(connection.socket instanceof Socket)) {
      return;
    }
    const socket = connection.socket;
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      closedIn += socket.bytesRead;
      closedOut += socket.bytesWritten;
    });
  }

  return {
    metrics: { ...ignoredMetrics, trackMultiaddrConnection: track },
    read() {
      let bytesIn = closedIn;
      let bytesOut = closedOut;
      for (const socket of open) {
        bytesIn += socket.bytesRead;
        bytesOut += socket.bytesWritten;
      }
      return { bytesIn, bytesOut };
    },
  };
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
