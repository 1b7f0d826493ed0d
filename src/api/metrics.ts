/** Figures for Prometheus: those of the views, one sample a run, and those of the process. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { NETWORK_FAMILIES, type NetworkReadings } from '../network/host/host-readings.ts';
import type { NodeControl } from '../node/commands/node-command.ts';
import type { NodeReader } from '../node/view/node-reader.ts';
import type { RunView } from '../node/view/run-view.ts';
import { headlineOf } from '../tasks/measures.ts';

interface RunMetric {
  readonly name: string;
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
  /** Null: not known yet, and left out. */
  readonly value: (view: RunView) => number | null;
}

const RUN_METRICS: readonly RunMetric[] = [
  gauge('round', 'Round of the wall-clock slot.', ({ round }) => round),
  gauge('finalised_round', 'Highest finalised round.', ({ finalisedRound }) => finalisedRound),
  gauge('counted_rounds', 'Final rounds that count towards the run.', ({ countedRounds }) => countedRounds),
  gauge('rounds', 'Rounds that the run asks for.', ({ run }) => run?.rounds ?? null),
  gauge('rounds_done', 'Counted rounds, and those under way as if they counted.', (view) => view.roundsDone),
  gauge('lag_entries', 'Entries known to exist and not held.', ({ lag }) => lag),
  gauge('peers', 'Connected peers of the run.', ({ peers }) => peers),
  gauge('members_here', 'This node and all heard of lately.', ({ members }) => members.here),
  gauge('notices', 'What will not end well as things stand.', ({ notices }) => notices.length),
  gauge('clock_offset_seconds', 'Our clock less that of the peers, by their median.', ({ clock }) =>
    clock.offsetMs === null ? null : clock.offsetMs / 1000,
  ),
  gauge('training_loss', 'Mean loss of the last local round.', ({ loss }) => loss),
  gauge('accuracy', 'Accuracy on the held-out examples.', ({ accuracy }) => accuracy),
  gauge('held_out_loss', 'Mean loss on the held-out examples.', ({ heldOutLoss }) => heldOutLoss),
  gauge('unsaved_bytes', 'Bytes on their way to the disk.', ({ unsavedBytes }) => unsavedBytes),
  counter('deltas_published_total', 'Deltas this node published.', (view) => view.deltasPublished),
  counter('announced_bytes_total', 'Bytes of bodies this node published.', (view) => view.announcedBytes),
  counter('forks_total', 'Forks this node was on the weaker side of.', ({ forks }) => forks),
  counter(
    'announcements_dropped_total',
    'Dropped because the disk was behind.',
    (view) => view.announcementsDropped,
  ),
  counter('inputs_dropped_total', 'Inputs that broke the core.', ({ inputsDropped }) => inputsDropped),
];

const REASONS: ReadonlyArray<
  readonly [name: string, help: string, counts: (view: RunView) => Readonly<Record<string, number>>]
> = [
  ['starlings_refused_total', 'What was refused.', ({ refused }) => refused],
  ['starlings_skipped_total', 'Rounds not published.', ({ skipped }) => skipped],
];

function gauge(name: string, help: string, value: RunMetric['value']): RunMetric {
  return { name: `starlings_${name}`, kind: 'gauge', help, value };
}

function counter(name: string, help: string, value: RunMetric['value']): RunMetric {
  return { name: `starlings_${name}`, kind: 'counter', help, value };
}

/** Gauges of the library that are called totals, which Prometheus keeps for counters; the same is there by type of resource. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** Of the delay of the event loop: a finer one wakes an idle node a hundred times a second. */
const delayPrecisionMs = 100;

type Sample = readonly [labels: Record<string, string>, value: number];

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** All metrics of a node. Bytes are the node's: its runs share the connections. */
export function createMetrics(
  control: Pick<NodeControl, 'summary' | 'views'> & Pick<NodeReader, 'network'>,
): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: delayPrecisionMs });
  for (const name of misnamed) registry.removeSingleMetric(name);
  // One look for all that is asked at once.
  let views: readonly RunView[] = [];
  let node = control.summary();
  let network: NetworkReadings = new Map();
  const figures: ReadonlyArray<readonly [RunMetric['kind'], string, string, () => number]> = [
    ['counter', 'bytes_in_total', 'Bytes received on all connections.', () => node.bytesIn],
    ['counter', 'bytes_out_total', 'Bytes sent on all connections.', () => node.bytesOut],
    ['gauge', 'content_bytes', 'What is kept beyond what runs must.', () => node.content?.bytes ?? 0],
    ['gauge', 'content_bytes_max', 'Quota of what is kept.', () => node.content?.bytesMax ?? 0],
  ];
  for (const [kind, name, help, value] of figures) {
    add(registry, { kind, name: `starlings_${name}`, help, labelNames: [] }, () => [[{}, value()]]);
  }
  for (const { value, ...family } of RUN_METRICS) {
    add(registry, { ...family, labelNames: ['run'] }, () =>
      views.flatMap((view): Sample[] => {
        const known = value(view);
        return known === null ? [] : [[{ run: view.runId }, known]];
      }),
    );
  }
  for (const [name, help, counts] of REASONS) {
    add(registry, { kind: 'counter', name, help, labelNames: ['run', 'reason'] }, () =>
      byReason(views, counts),
    );
  }
  for (const { label, ...family } of NETWORK_FAMILIES) {
    add(registry, { ...family, labelNames: label === null ? [] : [label] }, () =>
      (network.get(family.name) ?? []).map(
        ([of, value]): Sample => [label === null ? {} : { [label]: of }, value],
      ),
    );
  }
  add(registry, MEASURES, () =>
    views.flatMap((view) => {
      const headline = headlineOf(view);
      const measures = view.measures.length > 0 || headline === null ? view.measures : [headline];
      return measures.map(({ id, value }): Sample => [{ run: view.runId, measure: id }, value]);
    }),
  );
  return {
    contentType: registry.contentType,
    text: async () => {
      views = control.views();
      node = control.summary();
      network = await control.network();
      return registry.metrics();
    },
  };
}

const MEASURES: Family = {
  kind: 'gauge',
  name: 'starlings_measure',
  help: 'What the task measures of the model on the held-out examples.',
  labelNames: ['run', 'measure'],
};

interface Family {
  readonly kind: RunMetric['kind'];
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
}

/** A family whose samples are looked up when they are asked for: they are counted elsewhere. */
function add(registry: Registry, { kind, ...named }: Family, samples: () => Sample[]): void {
  const shape = { ...named, registers: [registry] };
  switch (kind) {
    case 'gauge': {
      const metric: Gauge = new Gauge({
        ...shape,
        collect() {
          metric.reset();
          for (const [labels, value] of samples()) metric.set(labels, value);
        },
      });
      break;
    }
    case 'counter': {
      const metric: Counter = new Counter({
        ...shape,
        collect() {
          metric.reset();
          for (const [labels, value] of samples()) metric.inc(labels, value);
        },
      });
      break;
    }
    default:
      kind satisfies never;
  }
}

function byReason(
  views: readonly RunView[],
  counts: (view: RunView) => Readonly<Record<string, number>>,
): Sample[] {
  return views.flatMap((view) =>
    Object.entries(counts(view)).map(([reason, count]): Sample => [{ run: view.runId, reason }, count]),
  );
}
