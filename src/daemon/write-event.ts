/** Events as lines of log.jsonl. What a stranger can cause without end is written at level debug only, and counted. */
import type { Logger } from 'pino';
import type { NodeEvent } from '../node/events.ts';

const quiet: ReadonlySet<NodeEvent['event']['kind']> = new Set([
  'accepted',
  'refused',
  'request-served',
  'request-refused',
  'sampled',
  'input-dropped',
]);

const troubles: ReadonlySet<NodeEvent['event']['kind']> = new Set([
  'evaluation-failed',
  'save-failed',
  'snapshot-not-kept',
  'manifest-refused',
]);

export function writeEvent(log: Logger, { runId, event }: NodeEvent): void {
  const level = quiet.has(event.kind) ? 'debug' : troubles.has(event.kind) ? 'warn' : 'info';
  log[level](runId === null ? event : { runId, ...event }, event.kind);
}
