import type { Aggregator } from './aggregator.ts';
import { balance } from './balance.ts';
import { centredClip } from './centred-clip.ts';
import { coordinateMedian } from './coordinate-median.ts';
import { geometricMedianAggregator } from './geometric-median.ts';
import { krum } from './krum.ts';
import { lossGate } from './loss-gate.ts';
import { mean } from './mean.ts';
import { nearestNeighbourAveraging } from './nearest-neighbour-averaging.ts';
import { nearestNeighbourMixing } from './nearest-neighbour-mixing.ts';
import { normClip } from './norm-clip.ts';
import { selfCentredClip } from './self-centred-clip.ts';
import { trimmedMean } from './trimmed-mean.ts';

/** Rules that stand alone, by id, with their constants. f: dishonest vectors among those that come together. */
export type PlainAggregatorSpec =
  | { readonly id: 'mean' | 'median' | 'geometric-median' }
  | { readonly id: 'norm-clip' | 'loss-gate'; readonly factor: number }
  | { readonly id: 'centred-clip'; readonly radius: number; readonly iterations: number }
  | { readonly id: 'self-centred-clip'; readonly radius: number | null; readonly delta: number }
  | { readonly id: 'trimmed-mean' | 'krum' | 'nna'; readonly f: number }
  | { readonly id: 'multi-krum'; readonly f: number; readonly selected: number }
  | { readonly id: 'balance'; readonly gamma: number; readonly kappa: number; readonly alpha: number };

export type AggregatorSpec =
  | PlainAggregatorSpec
  | { readonly id: 'nnm'; readonly f: number; readonly rule: PlainAggregatorSpec };

/** `rounds`: length of the run, for rules that tighten towards its end. */
export function createAggregator(spec: AggregatorSpec, rounds: number): Aggregator {
  switch (spec.id) {
    case 'mean':
      return mean();
    case 'norm-clip':
      return normClip(spec.factor);
    case 'centred-clip':
      return centredClip(spec.radius, spec.iterations);
    case 'self-centred-clip':
      return selfCentredClip(spec.radius, spec.delta);
    case 'trimmed-mean':
      return trimmedMean(spec.f);
    case 'median':
      return coordinateMedian();
    case 'geometric-median':
      return geometricMedianAggregator();
    case 'krum':
      return krum(spec.f);
    case 'multi-krum':
      return krum(spec.f, spec.selected);
    case 'nnm':
      return nearestNeighbourMixing(spec.f, createAggregator(spec.rule, rounds));
    case 'nna':
      return nearestNeighbourAveraging(spec.f);
    case 'balance':
      return balance({ ...spec, rounds });
    case 'loss-gate':
      return lossGate(spec.factor);
  }
}
