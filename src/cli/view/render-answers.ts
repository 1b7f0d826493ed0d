/** What `start` says of numbers and of several labels at each site, alone against together. */
import {
  type Answered,
  examplesAnswered,
  figureDifference,
  figureInterval,
  type SureFigure,
  sureFigures,
} from '../../tasks/answered.ts';
import { writeMeasure } from '../../tasks/measures.ts';
import type { Interval } from '../../tasks/operating-curves.ts';
import type { SiteResult, SiteResults } from '../parts/site-results.ts';
import { textTable } from './text-table.ts';

/** One table for each figure; its first row is the head. */
export function answerTables({ sites, pooled }: SiteResults<Answered>): string[][][] {
  const all = [...sites, pooled];
  return sureFigures(pooled.together).map(({ id }) => [
    ['', 'held out', `${id} alone (95 % interval)`, `${id} together (95 % interval)`, 'difference'],
    ...all.map((site) => {
      const { alone, together } = figuresOf(site, id);
      const examples = String(examplesAnswered(site.together));
      return [
        site.name,
        examples,
        figureWords(alone),
        figureWords(together),
        differenceWords(together, alone),
      ];
    }),
  ]);
}

/** For a terminal of so many columns. */
export function renderAnswers(results: SiteResults<Answered>, columns: number): string {
  return answerTables(results)
    .map(([head, ...rows]) => textTable(head!, rows, { columns }))
    .join('\n\n');
}

/** The same in numbers. */
export function answerFacts(site: SiteResult<Answered>): Record<string, unknown> {
  const figures = sureFigures(site.together).map(({ id }) => {
    const { alone, together } = figuresOf(site, id);
    const of = (figure: SureFigure | null) =>
      figure && { value: figure.value, interval: figureInterval(figure) };
    const difference = alone && together && figureDifference(together, alone);
    return [id, { alone: of(alone), together: of(together), difference }];
  });
  return { name: site.name, examples: examplesAnswered(site.together), ...Object.fromEntries(figures) };
}

/** `12.3 mmHg (11 to 14 mmHg)` */
export function intervalWords(figure: SureFigure, { low, high }: Interval): string {
  if (figure.unit === '%')
    return `${writeMeasure({ ...figure, value: low })} to ${writeMeasure({ ...figure, value: high })}`;
  return `${short(low)} to ${short(high)}${figure.unit === undefined ? '' : ` ${figure.unit}`}`;
}

function figuresOf({ alone, together }: SiteResult<Answered>, id: string) {
  const of = (answered: Answered): SureFigure | null =>
    sureFigures(answered).find((one) => one.id === id) ?? null;
  return { alone: of(alone), together: of(together) };
}

/** A dash where the examples do not say. */
function figureWords(figure: SureFigure | null): string {
  if (figure === null) return '-';
  const interval = figureInterval(figure);
  const value = figure.unit === '%' ? writeMeasure(figure) : short(figure.value);
  return `${value} (${interval === null ? '-' : intervalWords(figure, interval)})`;
}

/** Together less alone: where its interval holds zero, these examples do not tell which is better. */
function differenceWords(together: SureFigure | null, alone: SureFigure | null): string {
  const found = together && alone && figureDifference(together, alone);
  if (!found) return '-';
  const factor = together.unit === '%' ? 100 : 1;
  const signed = (value: number) => `${value < 0 ? '' : '+'}${short(factor * value)}`;
  const unit = together.unit === undefined ? '' : ` ${together.unit}`;
  return `${signed(found.difference)} (${signed(found.low)} to ${signed(found.high)})${unit}`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
