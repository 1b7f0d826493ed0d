/** What `start` says of two classes at each site, alone against together. */
import { type Assessment, areaUnderCurve } from '../../tasks/assessment.ts';
import { calibrationError } from '../../tasks/calibration.ts';
import { areaDifference, areaInterval } from '../../tasks/operating-curves.ts';
import type { SiteResult, SiteResults } from '../parts/site-results.ts';
import { textTable } from './text-table.ts';

export function renderSites({ sites, pooled }: SiteResults, positive: string, columns: number): string {
  const rows = [...sites, pooled].map((site) => [
    site.name,
    String(site.together.examples),
    String(site.together.scores![1].length),
    areaWords(site.alone),
    areaWords(site.together),
    differenceWords(site),
  ]);
  const head = [
    '',
    'held out',
    positive,
    'AUC alone (95 % interval)',
    'AUC together (95 % interval)',
    'difference',
  ];
  return textTable(head, rows, { columns });
}

/** A dash where the examples do not say: one class is missing, or has one example alone. */
export function areaWords(assessment: Assessment): string {
  const area = areaUnderCurve(assessment);
  const interval = areaInterval(assessment);
  if (area === null) return '-';
  return `${area.toFixed(3)} (${interval ? `${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}` : '-'})`;
}

/** How far what the model says is from how often it is right; null where nobody told. */
export function calibrationErrorOf({ calibration }: Assessment): number | null {
  return calibration && calibrationError(calibration);
}

/** Together less alone: where its interval holds zero, these examples do not tell which is better. */
export function differenceWords({ together, alone }: SiteResult): string {
  const found = areaDifference(together, alone);
  const signed = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(3)}`;
  return found === null ? '-' : `${signed(found.difference)} (${signed(found.low)} to ${signed(found.high)})`;
}

export function areaFacts(assessment: Assessment): Record<string, unknown> {
  return {
    auc: areaUnderCurve(assessment),
    interval: areaInterval(assessment),
    ece: calibrationErrorOf(assessment),
  };
}

/** The same in numbers. */
export function siteFacts({ name, alone, together }: SiteResult): Record<string, unknown> {
  return {
    name,
    examples: together.examples,
    alone: areaFacts(alone),
    together: areaFacts(together),
    difference: areaDifference(together, alone),
  };
}
