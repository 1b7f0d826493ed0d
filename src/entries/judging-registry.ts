/** The ways in which members of a run judge each other's deltas: one line each. */
import type * as z from 'zod';
import { byId, schemaOfAll } from '../registry/registry.ts';
import type { JudgingContext, JudgingDescriptor, JudgingKind } from './judging-kind.ts';
import { scores } from './score/score-kind.ts';

const judgingKinds = [scores] as const;

export const judgingSchema = schemaOfAll(judgingKinds);
export type JudgingSpec = z.infer<typeof judgingSchema>;

export function createJudging(spec: JudgingSpec, context: JudgingContext): JudgingKind {
  return byId<JudgingDescriptor<JudgingSpec>>(judgingKinds, spec.id).create(spec, context);
}

/** What is so where nobody judges. */
export const unprotected =
  'norms are clipped and who equivocates loses its weight; deltas that do harm are taken as any other (`strategy.judging`)';

/** What it protects from, in a sentence. */
export function protectionOf(spec: JudgingSpec): string {
  return byId<JudgingDescriptor<JudgingSpec>>(judgingKinds, spec.id).protects(spec);
}
