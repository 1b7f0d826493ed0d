/** Every aggregator there is: one line each. */
import type * as z from 'zod';
import { byId, readSpec, schemaOfAll } from '../../registry/registry.ts';
import { type Aggregator, type AggregatorKind, guarded, withQuorum } from './aggregator.ts';
import { balance } from './balance.ts';
import { centredClip } from './centred-clip.ts';
import { coordinateMedian } from './coordinate-median.ts';
import { leastDistances } from './geometric-median.ts';
import { krum, multiKrum } from './krum.ts';
import { lossGate } from './loss-gate.ts';
import { mean } from './mean.ts';
import { nearestNeighbourAveraging } from './nearest-neighbour-averaging.ts';
import { nearestNeighbourMixing } from './nearest-neighbour-mixing.ts';
import { normClip } from './norm-clip.ts';
import { selfCentredClip } from './self-centred-clip.ts';
import { trimmedMean } from './trimmed-mean.ts';

/** Rules that stand alone. */
const rules = [
  mean,
  coordinateMedian,
  leastDistances,
  normClip,
  lossGate,
  centredClip,
  selfCentredClip,
  trimmedMean,
  krum,
  multiKrum,
  nearestNeighbourAveraging,
  balance,
] as const;

export const aggregators = [...rules, nearestNeighbourMixing(rules)] as const;

export const aggregatorSchema = schemaOfAll(aggregators);
/** An aggregator by its id, with the constants that it has. */
export type AggregatorSpec = z.infer<typeof aggregatorSchema>;
/** The same, as a manifest may say it: without what has a default. */
export type AggregatorInput = z.input<typeof aggregatorSchema>;

export function aggregatorKind(spec: AggregatorSpec): AggregatorKind {
  return byId<AggregatorKind>(aggregators, spec.id);
}

/**
 * `rounds`: length of the run, for rules that tighten towards its end. What is left out of the spec has its default.
 * @throws SpecError for what no manifest could say
 */
export function createAggregator(input: AggregatorInput, rounds: number): Aggregator {
  const spec = readSpec('aggregator', aggregators, aggregatorSchema, input);
  return guarded(withQuorum(aggregatorKind(spec), spec, rounds));
}
