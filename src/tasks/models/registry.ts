/** All kinds of models. A new one is its folder and two lines here: its import and its place. */
import type * as z from 'zod';
import { unionBy } from '../../registry/registry.ts';
import type { ExampleForm } from '../example-form.ts';
import { external } from './external/external.ts';
import { gnLenet } from './gn-lenet/gn-lenet.ts';
import { gpt } from './gpt/gpt.ts';
import { gptLora } from './gpt-lora/gpt-lora.ts';
import { layers } from './layers/layers.ts';
import { lenet } from './lenet/lenet.ts';
import { logisticRegression } from './logistic-regression/logistic-regression.ts';
import { mlp } from './mlp/mlp.ts';
import type { ExternalFacts, ModelKind } from './model-kind.ts';
import { nothing } from './nothing/nothing.ts';
import { resnet8 } from './resnet-8/resnet-8.ts';

/** In the order of docs/CONFIG.md. */
export const modelKinds = [
  mlp,
  logisticRegression,
  lenet,
  gnLenet,
  resnet8,
  gpt,
  gptLora,
  layers,
  nothing,
  external,
] as const;

export const modelSchema = unionBy('kind', modelKinds);
export type ModelSpec = z.infer<typeof modelSchema>;

const byKind: ReadonlyMap<string, ModelKind> = new Map(modelKinds.map((kind) => [kind.kind, kind]));

export function modelKindOf(model: ModelSpec): ModelKind {
  return byKind.get(model.kind)!;
}

/** What a trainer must know of a model that it alone can compute; null for those that everybody can. */
export function externalFactsOf(model: ModelSpec): ExternalFacts | null {
  return modelKindOf(model).external?.(model) ?? null;
}

/** Of a run that trains nothing. */
export function isNoModel(model: ModelSpec): boolean {
  return modelKindOf(model).isNothing === true;
}

/** Names of the kinds that take examples of one of these forms. */
export function modelKindsTaking(forms: readonly ExampleForm[]): string[] {
  const kinds: readonly ModelKind[] = [...byKind.values()];
  const takesOne = ({ examples, takes }: ModelKind) => examples.some((model) => forms.includes(takes(model)));
  return kinds.filter(takesOne).map(({ kind }) => kind);
}
