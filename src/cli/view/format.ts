/** Numbers as people read them. A dash stands for what is not known yet. */
import type { RunView } from '../../node/view/run-view.ts';
import { headlineOf, writeMeasure, writeShare } from '../../tasks/measures.ts';

const UNKNOWN = '-';

/** Bytes with three digits and a decimal unit: `999 B`, `1.23 MB`, `45.6 MB`. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** `95.12 %` */
export function formatPercent(fraction: number | null): string {
  return fraction === null ? UNKNOWN : writeShare(fraction);
}

/** What stands beside the share of right answers. */
interface AccuracyFigures {
  readonly majority: number;
  readonly auc: number | null;
}

/** The one figure of a model to look at, `93.11 % (majority 46.00 %, AUC 0.912)`, and what it is called: accuracy where nobody says otherwise. */
export function formatHeadline(
  metrics: Parameters<typeof headlineOf>[0],
  figures: AccuracyFigures | null = null,
): { name: string; text: string } {
  const headline = headlineOf(metrics);
  return headline === null
    ? { name: 'accuracy', text: UNKNOWN }
    : { name: headline.id, text: `${writeMeasure(headline)}${figures === null ? '' : besides(figures)}` };
}

function besides({ majority, auc }: AccuracyFigures): string {
  return ` (majority ${formatPercent(majority)}${auc === null ? '' : `, AUC ${auc.toFixed(3)}`})`;
}

export function formatLoss(loss: number | null): string {
  return loss === null ? UNKNOWN : loss.toFixed(3);
}

export function formatCount(count: number | null): string {
  return count === null ? UNKNOWN : String(count);
}

/** `8 s`, `1:08 min`, `2:03:04 h` */
export function formatDuration(ms: number): string {
  const total = Math.ceil(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (total < 60) return `${total} s`;
  if (total < 3600) return `${Math.floor(total / 60)}:${two(total % 60)} min`;
  return `${Math.floor(total / 3600)}:${two(Math.floor(total / 60) % 60)}:${two(total % 60)} h`;
}

/** `start, 34.5 MB of 145 MB, about 2:10 min left` */
export function pullText({ name, bytes, heldBytes, leftMs }: NonNullable<RunView['pull']>): string {
  const left = leftMs === null ? '' : `, about ${formatDuration(leftMs)} left`;
  return `${name}, ${formatBytes(heldBytes)} of ${formatBytes(bytes)}${left}`;
}
