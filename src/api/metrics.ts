/** Prometheus text format 0.0.4: the figures of the views, one sample a run. */
import type { NodeSummary } from '../node/commands.ts';
import type { RunView } from '../node/run-view.ts';

interface RunMetric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  /** Null: not known yet, and left out. */
  readonly value: (view: RunView) => number | null;
}

const RUN_METRICS: readonly RunMetric[] = [
  gauge('round', 'Round of the wall-clock slot.', ({ round }) => round),
  gauge('finalised_round', 'Highest finalised round.', ({ finalisedRound }) => finalisedRound),
  gauge('counted_rounds', 'Final rounds that count towards the run.', ({ countedRounds }) => countedRounds),
  gauge('rounds_done', 'Counted rounds, and those under way as if they counted.', (view) => view.roundsDone),
  gauge('lag_entries', 'Entries known to exist and not held.', ({ lag }) => lag),
  gauge('peers', 'Connected peers of the run.', ({ peers }) => peers),
  gauge('members_here', 'This node and all heard of lately.', ({ members }) => members.here),
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

function gauge(name: string, help: string, value: RunMetric['value']): RunMetric {
  return { name: `starlings_${name}`, type: 'gauge', help, value };
}

function counter(name: string, help: string, value: RunMetric['value']): RunMetric {
  return { name: `starlings_${name}`, type: 'counter', help, value };
}

/** Bytes are the node's: its runs share the connections. */
export function metricsText(node: NodeSummary, views: readonly RunView[]): string {
  const lines = [
    ...family('starlings_bytes_in_total', 'counter', 'Bytes received on all connections.', [
      ['', node.bytesIn],
    ]),
    ...family('starlings_bytes_out_total', 'counter', 'Bytes sent on all connections.', [
      ['', node.bytesOut],
    ]),
    ...family('starlings_content_bytes', 'gauge', 'What is kept beyond what runs must.', [
      ['', node.content?.bytes ?? 0],
    ]),
    ...family('starlings_content_bytes_max', 'gauge', 'Quota of what is kept.', [
      ['', node.content?.bytesMax ?? 0],
    ]),
  ];
  for (const { name, type, help, value } of RUN_METRICS) {
    const samples = views.flatMap((view): Sample[] => {
      const known = value(view);
      return known === null ? [] : [[labels({ run: view.runId }), known]];
    });
    lines.push(...family(name, type, help, samples));
  }
  lines.push(
    ...family(
      'starlings_refused_total',
      'counter',
      'What was refused.',
      byReason(views, ({ refused }) => refused),
    ),
    ...family(
      'starlings_skipped_total',
      'counter',
      'Rounds not published.',
      byReason(views, ({ skipped }) => skipped),
    ),
  );
  return `${lines.join('\n')}\n`;
}

type Sample = readonly [labels: string, value: number];

function family(name: string, type: string, help: string, samples: readonly Sample[]): string[] {
  if (samples.length === 0) return [];
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([label, value]) => `${name}${label} ${value}`),
  ];
}

function byReason(
  views: readonly RunView[],
  counts: (view: RunView) => Readonly<Record<string, number>>,
): Sample[] {
  return views.flatMap((view) =>
    Object.entries(counts(view)).map(
      ([reason, count]): Sample => [labels({ run: view.runId, reason }), count],
    ),
  );
}

function labels(values: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(values).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
