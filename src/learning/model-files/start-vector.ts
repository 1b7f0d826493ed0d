/** Weights that a run begins at: of a safetensors file, of a `model.json` of TensorFlow.js and the files it names, or of an archive of Keras. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { parseJson } from '../../core/parse-json.ts';
import { readFully } from '../../platform/node/read-fully.ts';
import { readPlain } from '../../platform/node/read-plain.ts';
import type { RunVectors, VectorPaths } from '../../run/run-files.ts';
import { plainName } from '../../tasks/models/layers/layer-kind.ts';
import { modelJsonBytesMax } from '../../tasks/models/layers/model-file.ts';
import { frozenOf, modelLayout, parameterCount } from '../../tasks/models/model-layout.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';
import { littleEndianBytes, vectorOfFile } from '../initial.ts';
import { ModelFileError } from '../learning-error.ts';
import { readSafetensors } from './safetensors.ts';

/** Each is open while they are read; TensorFlow.js makes them of 4 MiB, for 1 GiB of weights. */
const shardsMax = 256;

const weightSchema = z.object({
  name: z.string(),
  shape: z.array(z.int().min(0)).max(8),
  dtype: z.string(),
  quantization: z.unknown().optional(),
});
type FileWeight = z.infer<typeof weightSchema>;
const manifestSchema = z.object({
  weightsManifest: z
    .array(z.object({ paths: z.array(z.string()).max(shardsMax), weights: z.array(weightSchema) }))
    .min(1),
});

/** The vectors that a run of `model` has as files. @throws ModelFileError */
export async function readRunVectors({ start, base }: VectorPaths, model: ModelSpec): Promise<RunVectors> {
  const frozen = frozenOf(model);
  if (frozen !== null && base === undefined) {
    throw new ModelFileError(
      `a model of kind ${model.kind} adds to a trained one: name its file as \`base\` of the run`,
    );
  }
  if (frozen === null && base !== undefined) {
    throw new ModelFileError(`${base}: a model of kind ${model.kind} adds to none: leave \`base\` out`);
  }
  return {
    ...(start === undefined ? {} : { start: await readField('startFrom', start, model) }),
    ...(base === undefined ? {} : { base: await readField('base', base, frozen!) }),
  };
}

async function readField(field: string, file: string, model: ModelSpec): Promise<Float32Array> {
  try {
    return await readVector(file, model);
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    const message = `${error.message} (\`${field}\` of the run; it must fit its \`model\`)`;
    throw new ModelFileError(message, { cause: error });
  }
}

/** A vector of `model` with the values of the file. @throws ModelFileError where they are others', or not finite */
async function readVector(file: string, model: ModelSpec): Promise<Float32Array> {
  const vector = await readValues(file, model);
  const wrong = vector.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return vector;
  const { name } = modelLayout(model).find(({ at, length }) => wrong < at + length)!;
  throw new ModelFileError(`${file}: a value of ${name} is not finite`);
}

async function readValues(file: string, model: ModelSpec): Promise<Float32Array> {
  const name = file.toLowerCase();
  if (name.endsWith('.json')) return readLayersWeights(file, model);
  if (!name.endsWith('.keras')) return (await readSafetensors(file, model)).vector;
  const { readKerasWeights } = await import('./keras-reading.ts');
  return readKerasWeights(file, model);
}

async function readLayersWeights(file: string, model: ModelSpec): Promise<Float32Array> {
  const bytesOfJson = await readPlain(file, modelJsonBytesMax).catch(() => null);
  if (bytesOfJson === null) {
    throw new ModelFileError(`${file}: expected a model.json of up to ${modelJsonBytesMax} bytes`);
  }
  const parsed = manifestSchema.safeParse(parseJson(bytesOfJson.toString('utf8')));
  if (!parsed.success) {
    throw new ModelFileError(
      `${file}: it names no weights (weightsManifest): save the model with TensorFlow.js, or leave startFrom out`,
    );
  }
  const vector = new Float32Array(parameterCount(model));
  const bytes = littleEndianBytes(vector);
  const missing = new Map(modelLayout(model).map((tensor) => [tensor.name, tensor]));
  for (const { paths, weights } of parsed.data.weightsManifest) {
    let at = 0;
    const shards = await openShards(dirname(file), paths);
    try {
      for (const weight of weights) {
        const length = 4 * weight.shape.reduce((product, each) => product * each, 1);
        const tensor = [...missing.values()].find(({ name }) => isNamed(weight.name, name));
        if (tensor === undefined)
          throw new ModelFileError(
            `${file}: the model of the run has no weights ${weight.name.slice(0, 64)}`,
          );
        checkForm(file, weight, tensor.shape);
        await shards.read(bytes.subarray(4 * tensor.at, 4 * tensor.at + length), at);
        missing.delete(tensor.name);
        at += length;
      }
    } finally {
      await shards.close();
    }
  }
  const [absent] = missing.keys();
  if (absent !== undefined) throw new ModelFileError(`${file}: there are no weights for ${absent}`);
  // On machines of the other order the bytes are a copy.
  return vectorOfFile(bytes);
}

/** `dense_1/kernel`, also behind the name of the model or before that of a cell; what we call gain and bias of a normalisation, Keras calls gamma and beta. */
function isNamed(given: string, ours: string): boolean {
  const plain = given.replace(/:0$/, '').split('/');
  const weight = plain.pop()!;
  const alias = { gamma: 'gain', beta: 'bias' }[weight] ?? weight;
  return plain.some((layer) => `${plainName(layer)}/${alias}` === ours);
}

function checkForm(
  file: string,
  { name, shape, dtype, quantization }: FileWeight,
  wanted: readonly number[],
): void {
  if (dtype !== 'float32' || quantization !== undefined) {
    throw new ModelFileError(
      `${file}: ${name.slice(0, 64)} is not plain float32: export the model without quantisation`,
    );
  }
  if (shape.join() !== wanted.join()) {
    throw new ModelFileError(
      `${file}: ${name.slice(0, 64)} has the shape ${shape.join(' x ')}, the model needs ${wanted.join(' x ')}`,
    );
  }
}

/** The files as one, read where it is asked for. They lie beside the model file, whatever folders it names. */
async function openShards(folder: string, paths: readonly string[]) {
  const shards: { readonly handle: FileHandle; readonly size: number }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(shards.map(({ handle }) => handle.close()));
  };
  for (const path of paths) {
    const name = join(folder, basename(path));
    try {
      const info = await stat(name);
      // Of a pipe the end might never come.
      if (!info.isFile()) throw new ModelFileError(`${name}: expected weights, and this is no file`);
      shards.push({ handle: await open(name, 'r'), size: info.size });
    } catch (error) {
      await close();
      if (error instanceof ModelFileError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      throw new ModelFileError(`${name}: expected weights, but it cannot be opened (${code})`);
    }
  }
  return {
    close,
    async read(into: Uint8Array, position: number): Promise<void> {
      let [done, start] = [0, 0];
      for (const { handle, size } of shards) {
        const from = position + done - start;
        if (from < size && done < into.length) {
          const part = into.subarray(done, Math.min(into.length, done + size - from));
          done += await readFully(handle, part, from);
        }
        start += size;
      }
      if (done < into.length)
        throw new ModelFileError(`${join(folder, 'model.json')}: its weights are cut short`);
    },
  };
}
