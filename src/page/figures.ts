/** Numbers as people read them. A dash stands for what is not known. */
import { type Measure, writeMeasure } from '../tasks/measures.ts';

export const unknown = '–';

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function bytesText(bytes: number | null): string {
  if (bytes === null) return unknown;
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toPrecision(2)} ${units[unit]}`;
}

export function percentText(part: number | null): string {
  return part === null ? unknown : `${(100 * part).toFixed(1)} %`;
}

/** The figure to look at, with its unit. */
export function measureText(measure: Measure | null): string {
  if (measure === null) return unknown;
  return measure.unit === '%' ? percentText(measure.value) : writeMeasure(measure);
}

export function lossText(loss: number | null): string {
  return loss === null ? unknown : loss.toFixed(3);
}

export function durationText(ms: number): string {
  const total = Math.ceil(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (total < 60) return `${total} s`;
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  return hours === 0 ? `${minutes}:${two(total % 60)} min` : `${hours}:${two(minutes)} h`;
}

export function timeText(atMs: number): string {
  const date = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
}
