/** The personal tensors of a run: kept in the node's store, beside what the core keeps there, and read by nobody else. */
import type { Store } from '../core/ports.ts';
import { littleEndianBytes, vectorOfLittleEndian } from '../learning/initial.ts';
import type { Learner } from '../learning/learner.ts';
import { PersonalLearner } from '../learning/personal-learner.ts';
import type { RunManifest } from '../run/manifest.ts';
import { ModelParts } from '../tasks/models/personal-layers.ts';

const personalKey = 'personal/tensors';

export const isPersonalKey = (key: string): boolean => key === personalKey;

/** The learner and the start vector of what peers share: themselves where that is everything. */
export function sharedOf(
  manifest: RunManifest,
  learner: Learner,
  initial: Float32Array,
  store: Pick<Store, 'commit'>,
  stored: readonly (readonly [string, Uint8Array])[],
): { readonly learner: Learner; readonly initial: Float32Array } {
  if (manifest.shared === undefined) return { learner, initial };
  const parts = new ModelParts(manifest.model, manifest.shared);
  const start = parts.split(initial);
  const kept = stored.find(([key]) => isPersonalKey(key))?.[1];
  const personal = kept?.length === 4 * parts.personal ? vectorOfLittleEndian(kept) : start.personal;
  const keep = (vector: Float32Array) =>
    store.commit([{ key: personalKey, value: littleEndianBytes(vector) }], { durable: false });
  return { learner: new PersonalLearner(learner, { parts, personal, keep }), initial: start.shared };
}
