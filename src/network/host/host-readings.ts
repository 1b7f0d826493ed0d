/**
 * What libp2p counts of itself, as far as operators ask for it. libp2p offers its readings to a metrics component by name; those of the table
 * are kept, each with so many labels at most, and made into the text of Prometheus by whoever is asked for it.
 */
import type { CounterGroup, Metric, MetricGroup, Metrics, Stream } from '@libp2p/interface';
import { gossipParts } from '../gossip/gossip-parts.ts';
import { isGossip } from '../protocols.ts';
import type { MuxerPart } from './muxer.ts';

export interface NetworkFamily {
  readonly name: string;
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
  /** Null: one value without. */
  readonly label: string | null;
}

/** By name of the family; the label is empty where it has none. */
export type NetworkReadings = ReadonlyMap<string, ReadonlyArray<readonly [label: string, value: number]>>;

/** Names of libp2p, but for what it calls a total and is none. */
const kept: Readonly<Record<string, NetworkFamily>> = {
  libp2p_connection_manager_connections: {
    ...{ name: 'libp2p_connection_manager_connections', kind: 'gauge', label: 'direction' },
    help: 'Connections that are open, and that are on their way.',
  },
  libp2p_protocol_streams_total: {
    ...{ name: 'libp2p_protocol_streams', kind: 'gauge', label: 'protocol' },
    help: 'Streams that are open, by direction and protocol.',
  },
  libp2p_connection_manager_dials_total: {
    ...{ name: 'libp2p_connection_manager_dials_total', kind: 'counter', label: 'direction' },
    help: 'Connections that were begun.',
  },
  libp2p_connection_manager_dials_inbound_errors_total: {
    ...{ name: 'libp2p_connection_manager_dials_inbound_errors_total', kind: 'counter', label: 'error' },
    help: 'Connections from others that failed on their way up.',
  },
  libp2p_connection_manager_dials_outbound_errors_total: {
    ...{ name: 'libp2p_connection_manager_dials_outbound_errors_total', kind: 'counter', label: 'error' },
    help: 'Connections to others that failed on their way up.',
  },
  libp2p_tcp_dialer_events_total: {
    ...{ name: 'libp2p_tcp_dialer_events_total', kind: 'counter', label: 'event' },
    help: 'What came of dials over TCP.',
  },
  libp2p_kad_dht_routing_table_size: {
    ...{ name: 'libp2p_kad_dht_routing_table_size', kind: 'gauge', label: null },
    help: 'Peers in the routing table of the DHT.',
  },
};

/** gossipsub's own readings cost time for each message; these two are looked up. */
const meshFamily: NetworkFamily = {
  ...{ name: 'libp2p_gossipsub_mesh_peers', kind: 'gauge', label: 'topic' },
  help: 'Peers that messages of a topic are exchanged with at once.',
};
const topicFamily: NetworkFamily = {
  ...{ name: 'libp2p_gossipsub_topic_peers', kind: 'gauge', label: 'topic' },
  help: 'Connected peers that take part in a topic.',
};

/** What is left of the data of the muxer is negotiation. */
const sentFamily: NetworkFamily = {
  ...{ name: 'libp2p_protocol_sent_bytes_total', kind: 'counter', label: 'protocol' },
  help: 'Bytes sent on streams, by protocol.',
};
const gossipFamily: NetworkFamily = {
  ...{ name: 'libp2p_gossipsub_sent_bytes_total', kind: 'counter', label: 'part' },
  help: 'Bytes that gossip has sent: announcements, their topics, and what peers tell each other of them.',
};
/** What is left of the bytes of the connections is the cipher and its handshakes. */
const muxerFamily: NetworkFamily = {
  ...{ name: 'libp2p_muxer_sent_bytes_total', kind: 'counter', label: 'part' },
  help: 'Bytes that the multiplexer has sent: data, headers of data, windows of streams, and pings.',
};

export const NETWORK_FAMILIES: readonly NetworkFamily[] = [
  ...Object.values(kept),
  ...[meshFamily, topicFamily, sentFamily, gossipFamily, muxerFamily],
];

/** Of a family; strangers must not make it grow. */
const labelsMax = 128;

interface TopicReading {
  readonly topic: string;
  readonly mesh: number;
  readonly peers: number;
}

type Values = Record<string, number>;
type Reading = Metric & MetricGroup & CounterGroup & { observe(value: unknown): void };
interface Options {
  readonly calculate?: (() => number | Values | Promise<number | Values>) | undefined;
}

export class HostReadings {
  readonly #counted = new Map<string, Map<string, number>>();
  readonly #calculated = new Map<string, NonNullable<Options['calculate']>>();
  readonly #sent = new Map<string, number>();
  readonly #gossiped = new Map<string, number>();
  readonly #muxed = new Map<string, number>();

  /** Counts what is sent on the stream from now on: libp2p shows each stream once its protocol is known. */
  trackStream(stream: Stream): void {
    const { protocol } = stream;
    if (!this.#sent.has(protocol)) {
      if (this.#sent.size >= labelsMax) return;
      this.#sent.set(protocol, 0);
    }
    const send = stream.send.bind(stream);
    const gossips = isGossip(protocol);
    stream.send = (data) => {
      this.#sent.set(protocol, this.#sent.get(protocol)! + data.byteLength);
      if (gossips) gossipParts(data.subarray(), (part, bytes) => addTo(this.#gossiped, part, bytes));
      return send(data);
    };
  }

  /** Of every connection. */
  readonly trackMuxer = (part: MuxerPart, bytes: number): void => addTo(this.#muxed, part, bytes);

  /** What libp2p asks of its metrics component, but for connections and traces. */
  metrics(): Omit<
    Metrics,
    'trackMultiaddrConnection' | 'trackProtocolStream' | 'createTrace' | 'traceFunction'
  > {
    const register = (name: string, options: Options = {}): Reading => this.#register(name, options);
    return {
      registerMetric: register as Metrics['registerMetric'],
      registerMetricGroup: register as Metrics['registerMetricGroup'],
      registerCounter: register as Metrics['registerCounter'],
      registerCounterGroup: register as Metrics['registerCounterGroup'],
      registerHistogram: (() => ignoredReading) as Metrics['registerHistogram'],
      registerHistogramGroup: (() => ignoredReading) as Metrics['registerHistogramGroup'],
      registerSummary: (() => ignoredReading) as Metrics['registerSummary'],
      registerSummaryGroup: (() => ignoredReading) as Metrics['registerSummaryGroup'],
    };
  }

  async read(topics: readonly TopicReading[]): Promise<NetworkReadings> {
    const readings = new Map<string, ReadonlyArray<readonly [string, number]>>();
    for (const [own, { name }] of Object.entries(kept)) {
      const calculated = await this.#calculated.get(own)?.();
      const values =
        calculated === undefined
          ? [...(this.#counted.get(own) ?? [])]
          : Object.entries(typeof calculated === 'number' ? { '': calculated } : calculated);
      readings.set(name, values.slice(0, labelsMax));
    }
    readings.set(
      meshFamily.name,
      topics.map(({ topic, mesh }) => [topic, mesh] as const),
    );
    readings.set(
      topicFamily.name,
      topics.map(({ topic, peers }) => [topic, peers] as const),
    );
    readings.set(sentFamily.name, [...this.#sent]);
    readings.set(gossipFamily.name, [...this.#gossiped]);
    readings.set(muxerFamily.name, [...this.#muxed]);
    return readings;
  }

  #register(name: string, { calculate }: Options): Reading {
    if (kept[name] === undefined) return ignoredReading;
    if (calculate) {
      this.#calculated.set(name, calculate);
      return ignoredReading;
    }
    const values = this.#counted.get(name) ?? new Map<string, number>();
    this.#counted.set(name, values);
    return readingOf(values);
  }
}

function addTo(sums: Map<string, number>, label: string, bytes: number): void {
  sums.set(label, (sums.get(label) ?? 0) + bytes);
}

function readingOf(values: Map<string, number>): Reading {
  const each = (given: unknown, change: (before: number, value: number) => number): void => {
    const named: Record<string, unknown> =
      typeof given === 'object' && given !== null ? (given as Values) : { '': given };
    for (const [label, value] of Object.entries(named)) {
      if (!values.has(label) && values.size >= labelsMax) continue;
      values.set(label, change(values.get(label) ?? 0, typeof value === 'number' ? value : 1));
    }
  };
  return {
    ...ignoredReading,
    update: (given: unknown) => each(given, (_, value) => value),
    increment: (given?: unknown) => each(given, (before, value) => before + value),
    decrement: (given?: unknown) => each(given, (before, value) => before - value),
    reset: () => values.clear(),
  };
}

const ignore = () => {};
const ignoredReading: Reading = {
  ...{ update: ignore, increment: ignore, decrement: ignore, reset: ignore, observe: ignore },
  timer: () => ignore,
};
