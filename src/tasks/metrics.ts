/** What is measured of a model on held-out data, and how people read it. */

import type { Assessment } from './assessment.ts';
import { type Measure, writeShare } from './measures.ts';

export interface Metrics {
  /** Fraction of right answers in [0, 1]; null where the task knows no right and wrong. */
  readonly accuracy: number | null;
  /** Mean loss per answer: what training minimises. */
  readonly loss: number;
  /** Answers measured: one an example, of a text one a byte. */
  readonly examples: number;
  /** The same in counts, where an example has one answer. A learner may leave it out. */
  readonly assessment?: Assessment;
  /** What the task or its trainer measures in place of accuracy, the one to look at first. Absent: accuracy alone. */
  readonly measures?: readonly Measure[];
  /** Where a twin trains alone beside: what it does on the same examples. */
  readonly alone?: LoneResult;
}

export interface LoneResult {
  readonly accuracy: number | null;
  readonly loss: number;
  readonly measures?: readonly Measure[];
  /** Local steps that it has done. */
  readonly steps: number;
}

/** One number that says how good a model is at a task. */
export interface Metric {
  readonly id: string;
  readonly better: 'higher' | 'lower';
  /** Null where the task does not have it. */
  of(metrics: Metrics): number | null;
  /** With its unit. */
  write(value: number): string;
}

export const accuracy: Metric = {
  id: 'accuracy',
  better: 'higher',
  of: (metrics) => metrics.accuracy,
  write: writeShare,
};

/** Cross-entropy in nats. */
export const loss: Metric = {
  id: 'loss',
  better: 'lower',
  of: (metrics) => metrics.loss,
  write: (value) => value.toFixed(4),
};

/** Among how many equally probable symbols the model is as unsure. */
export const perplexity: Metric = {
  id: 'perplexity',
  better: 'lower',
  of: (metrics) => Math.exp(metrics.loss),
  write: (value) => value.toFixed(2),
};
