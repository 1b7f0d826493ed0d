/** Weights in the archives that `model.save('m.keras')` of Keras 3 writes. */
import { stat } from 'node:fs/promises';
import { Dataset, File, Filters, Group } from 'jsfive';
import { memberOf } from '../../tasks/models/layers/keras-archive.ts';
import { LayersFileError } from '../../tasks/models/layers/layer-config.ts';
import { plainName } from '../../tasks/models/layers/layer-kind.ts';
import { modelLayout, parameterCount } from '../../tasks/models/model-layout.ts';
import type { TensorLayout } from '../../tasks/models/parts/layout-builder.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import { ModelFileError } from '../learning-error.ts';

/** 500 million parameters, less than one array holds. */
const weightsBytesMax = 2 ** 31 - 1;

// Keras packs nothing, and what is packed can be anything when it is unpacked.
Filters.clear();

/** Where in a layer's group its tensors may lie; recurrent layers have theirs in their cell. */
const places = ['vars', 'cell/vars'];

/** The vector of `model` with the values of the archive; a layer's tensors are numbered there as they are in the layout. @throws ModelFileError */
export async function weightsOfKeras(file: string, model: ModelSpec): Promise<Float32Array> {
  const fail = (message: string): never => {
    throw new ModelFileError(`${file}: ${message}`);
  };
  const info = await stat(file).catch(() => null);
  if (!info?.isFile()) return fail('expected a file that Keras saved');
  const layers = new Map<string, TensorLayout[]>();
  for (const tensor of modelLayout(model)) {
    const layer = tensor.name.slice(0, tensor.name.lastIndexOf('/'));
    layers.set(layer, [...(layers.get(layer) ?? []), tensor]);
  }
  const vector = new Float32Array(parameterCount(model));
  try {
    const bytes = await memberOf(file, 'weights', weightsBytesMax);
    for (const [name, variables] of weightedLayers(bytes)) {
      const tensors = layers.get(name) ?? fail(`the model of the run has no weights of a layer ${name}`);
      if (variables.keys.length !== tensors.length)
        fail(`layer ${name} has ${variables.keys.length} tensors, the model needs ${tensors.length}`);
      for (const [index, tensor] of tensors.entries()) copy(variables.get(String(index)), tensor, vector);
      layers.delete(name);
    }
  } catch (error) {
    if (error instanceof ModelFileError) throw error;
    fail(error instanceof LayersFileError ? error.message : 'its weights are damaged: save the model again');
  }
  const [absent] = layers.keys();
  return absent === undefined ? vector : fail(`there are no weights of the layer ${absent}`);
}

/** Of each layer that has any: its name as manifests have it, and its tensors. */
function* weightedLayers(bytes: Uint8Array<ArrayBuffer>): Generator<readonly [string, Group]> {
  const layers = new File(bytes.buffer, 'model.weights.h5').get('layers');
  if (!(layers instanceof Group)) throw new LayersFileError('it holds no layers');
  for (const key of layers.keys) {
    const layer = layers.get(key);
    if (!(layer instanceof Group) || !layer.keys.includes('vars')) continue;
    // Groups are called after classes; the layer's own name stands beside its tensors.
    const name = (layer.get('vars') as Group).attrs['name'];
    for (const place of places) {
      const [first] = place.split('/');
      const variables = layer.keys.includes(first!) ? layer.get(place) : null;
      if (!(variables instanceof Group) || variables.keys.length === 0) continue;
      if (typeof name !== 'string')
        throw new LayersFileError(
          'it does not name its layers: load it with a newer Keras and save it again',
        );
      yield [plainName(name), variables];
    }
  }
}

/** @throws ModelFileError */
function copy(variable: unknown, tensor: TensorLayout, vector: Float32Array): void {
  if (!(variable instanceof Dataset) || variable.dtype !== '<f4') {
    throw new LayersFileError(
      `${tensor.name} is not plain float32 there: save the model without quantisation`,
    );
  }
  const [given, wanted] = [variable.shape.join(' x '), tensor.shape.join(' x ')];
  if (given !== wanted)
    throw new LayersFileError(
      `${tensor.name} has the shape ${given.slice(0, 64)}, the model needs ${wanted}`,
    );
  vector.set(variable.value, tensor.at);
}
