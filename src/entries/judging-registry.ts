/** The ways in which members of a run judge each other's deltas: one line each. */
import type * as z from 'zod';
import { byId, schemaOfAll } from '../registry/registry.ts';
import type { JudgingContext, JudgingDescriptor, JudgingKind } from './judging-kind.ts';
import { scores } from './score/score-kind.ts';
import { votes } from './vote/vote-kind.ts';

const judgingKinds = [scores, votes] as const;

export const judgingSchema = schemaOfAll(judgingKinds);
export type JudgingSpec = z.infer<typeof judgingSchema>;

export function createJudging(spec: JudgingSpec, context: JudgingContext): JudgingKind {
  return byId<JudgingDescriptor<JudgingSpec>>(judgingKinds, spec.id).create(spec, context);
}

/** Examples of an evaluation set that a round takes; null where judging needs none, and no model of ours. */
export function evaluationExamplesOf(spec: JudgingSpec): number | null {
  return byId<JudgingDescriptor<JudgingSpec>>(judgingKinds, spec.id).evaluationExamples(spec);
}

/** What is so where nobody judges. */
export const unjudged = 'nobody judges: deltas that do harm are taken as any other (`strategy.judging`)';

/** What it protects from, in a sentence. */
export function protectionOf(spec: JudgingSpec): string {
  return byId<JudgingDescriptor<JudgingSpec>>(judgingKinds, spec.id).protects(spec);
}
