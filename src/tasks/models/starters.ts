import type { ExampleForm, ExampleSize } from '../example-form.ts';
import type { ModelKind, Starter } from './model-kind.ts';
import { parameterCount } from './model-layout.ts';
import { type ModelSpec, modelKinds, modelKindsTaking } from './registry.ts';

export interface SizedStarter extends Starter<ModelSpec> {
  readonly parameters: number;
}

/** Models to begin with, for examples of such forms and size; the smallest first. */
export function startersFor(forms: readonly ExampleForm[], size: ExampleSize): SizedStarter[] {
  const taking = new Set(modelKindsTaking(forms));
  const kinds: readonly ModelKind[] = modelKinds;
  const starters = kinds.flatMap((kind) => (taking.has(kind.kind) ? (kind.starter?.(size) ?? []) : []));
  return (starters as Starter<ModelSpec>[])
    .map((starter) => ({ ...starter, parameters: parameterCount(starter.model) }))
    .sort((a, b) => a.parameters - b.parameters);
}
