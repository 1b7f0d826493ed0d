/**
 * A model of which peers share a part: the other tensors stay and train where they are (FedPer, Arivazhagan et al. 2019; FedBN, Li et al.
 * 2021). What goes over the wire is the flat vector of the shared tensors alone.
 */
import type { Impossible } from '../../registry/impossible.ts';
import { checkSize, modelLayout } from './model-layout.ts';
import type { TensorLayout } from './parts/layout-builder.ts';
import type { ModelSpec } from './registry.ts';

/** Names of tensors that peers share, `*` for any text; all where it is left out. */
export type SharedNames = readonly string[] | undefined;

export class ModelParts {
  /** Numbers of each part. */
  readonly shared: number;
  readonly personal: number;
  readonly personalNames: readonly string[];
  readonly #tensors: readonly (TensorLayout & { readonly isShared: boolean })[];

  constructor(model: ModelSpec, names: SharedNames) {
    this.#tensors = modelLayout(model).map((tensor) => ({ ...tensor, isShared: isShared(tensor, names) }));
    const size = (of: boolean) =>
      this.#tensors.reduce((sum, { isShared, length }) => sum + (isShared === of ? length : 0), 0);
    this.shared = size(true);
    this.personal = size(false);
    this.personalNames = this.#tensors.flatMap((one) => (one.isShared ? [] : [one.name]));
  }

  /** @throws RangeError where it is no vector of the whole model */
  split(vector: Float32Array): { readonly shared: Float32Array; readonly personal: Float32Array } {
    checkSize(vector, this.shared + this.personal);
    const parts = { shared: new Float32Array(this.shared), personal: new Float32Array(this.personal) };
    this.#walk((isShared, at, place, length) => {
      (isShared ? parts.shared : parts.personal).set(vector.subarray(at, at + length), place);
    });
    return parts;
  }

  /** The vector of the whole model. @throws RangeError where the parts are not of it */
  join(shared: Float32Array, personal: Float32Array): Float32Array {
    checkSize(shared, this.shared);
    checkSize(personal, this.personal);
    const vector = new Float32Array(this.shared + this.personal);
    this.#walk((isShared, at, place, length) => {
      vector.set((isShared ? shared : personal).subarray(place, place + length), at);
    });
    return vector;
  }

  /** `at` is a tensor's place in the whole vector, `place` that in its part. */
  #walk(visit: (isShared: boolean, at: number, place: number, length: number) => void): void {
    const places = { shared: 0, personal: 0 };
    for (const { isShared, at, length } of this.#tensors) {
      const part = isShared ? 'shared' : 'personal';
      visit(isShared, at, places[part], length);
      places[part] += length;
    }
  }
}

/** Why the names cannot be those of the shared tensors of the model; null where they can. */
export function impossibleShare(model: ModelSpec, names: SharedNames): Impossible | null {
  if (names === undefined) return null;
  const tensors = modelLayout(model);
  for (const [index, name] of names.entries()) {
    if (tensors.some((tensor) => isShared(tensor, [name]))) continue;
    const known = tensors.slice(0, 12).map((tensor) => tensor.name);
    const more = tensors.length > known.length ? ` and ${tensors.length - known.length} more` : '';
    return {
      path: ['shared', String(index)],
      message: `no tensor is called so: there are ${known.join(', ')}${more}`,
    };
  }
  if (tensors.every((tensor) => isShared(tensor, names))) {
    return { path: ['shared'], message: 'must leave a tensor that is not shared; without it all are' };
  }
  return null;
}

function isShared({ name }: TensorLayout, names: SharedNames): boolean {
  return names?.some((pattern) => matches(pattern, name)) ?? true;
}

/** Whether `text` is what `pattern` says, in time of the product of their lengths: a pattern comes from whoever signed a manifest. */
function matches(pattern: string, text: string): boolean {
  let [at, place] = [0, 0];
  let [star, from] = [-1, 0];
  while (place < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      from = place;
    } else if (pattern[at] === text[place]) {
      at++;
      place++;
    } else if (star >= 0) {
      // One more letter for the last star.
      at = star + 1;
      place = ++from;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
