/** Model files as a server has them: each is read when it is first asked for, and again when it has changed. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ServedModel, Shelf } from '../../../api/model-server.ts';
import { generateBytes, isLanguageModel } from '../../../learning/tfjs/generate.ts';
import { taskKindOf } from '../../../tasks/data/registry.ts';
import { scaleValue } from '../../../tasks/data/scaling.ts';
import { DataShapeError } from '../../../tasks/datasets/data-error.ts';
import { inputsOf } from '../../../tasks/models/model-layout.ts';
import { type FoundModel, findModel } from './model-source.ts';
import { taskOf } from './model-task.ts';
import { predictRows } from './predictions.ts';

interface Place {
  readonly id: string;
  readonly place: string;
  readonly ownedBy: string;
}

interface Loaded {
  readonly file: string;
  readonly state: string;
  readonly model: ServedModel;
}

export class ModelShelf implements Shelf {
  readonly #places: ReadonlyMap<string, Place>;
  readonly #loaded = new Map<string, Loaded>();

  private constructor(places: readonly Place[]) {
    this.#places = new Map(places.map((one) => [one.id, one]));
  }

  /** Paths, or `ID=PATH`. All are read once, so that what cannot be served is told at once. @throws ModelFileError */
  static async of(places: readonly string[]): Promise<ModelShelf> {
    const shelf = new ModelShelf(places.map(placeOf));
    for (const id of shelf.#places.keys()) await shelf.get(id);
    return shelf;
  }

  list(): readonly Pick<ServedModel, 'id' | 'createdMs' | 'ownedBy'>[] {
    return [...this.#loaded.values()].map(({ model }) => model);
  }

  async get(id: string): Promise<ServedModel | null> {
    const place = this.#places.get(id);
    if (place === undefined) return null;
    const before = this.#loaded.get(id);
    if (before !== undefined && (await stateOf(before.file)) === before.state) return before.model;
    const found = await findModel(place.place);
    const state = await stateOf(found.file);
    const model = servedModel(place, found, (await stat(found.file)).mtimeMs);
    this.#loaded.set(id, { file: found.file, state, model });
    return model;
  }
}

function placeOf(given: string): Place {
  const [, id, path] = /^([\w.@+-]+)=(.+)$/.exec(given) ?? [];
  const place = path ?? given;
  return { id: id ?? basename(place).replace(/\.safetensors$/, ''), place, ownedBy: 'starlings' };
}

async function stateOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => null);
  return found === null ? '' : `${found.mtimeMs} ${found.size} ${found.ino}`;
}

function servedModel({ id, ownedBy }: Place, found: FoundModel, createdMs: number): ServedModel {
  const { model, vector } = found;
  const about = { id, createdMs, ownedBy };
  if (isLanguageModel(model)) {
    const write: ServedModel['write'] = (asked, signal) => generateBytes({ ...asked, model, vector, signal });
    return { ...about, write, predict: null };
  }
  const task = taskOf(found);
  const scales = taskKindOf(task).scaling?.(task);
  if (scales === undefined)
    throw new DataShapeError(`${found.file}: examples of ${task.kind} are no rows of values`);
  const inputs = inputsOf(model);
  const predict: ServedModel['predict'] = async (rows, signal) => {
    const wrong = rows.findIndex((row) => row.length !== inputs);
    if (wrong >= 0) {
      throw new DataShapeError(`row ${wrong} has ${rows[wrong]!.length} values, the model takes ${inputs}`);
    }
    const values = rows.flatMap((row) => row.map((value, at) => scaleValue(scales, at, value ?? Number.NaN)));
    return (await predictRows(found, task, Float32Array.from(values), null, signal)).predictions;
  };
  return { ...about, write: null, predict };
}
