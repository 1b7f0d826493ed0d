/** Files that describe a model or tell of one, as `starlings inspect` knows them. */
import { readFile } from 'node:fs/promises';
import type { Inspected, Inspection } from './inspection.ts';

/** What a run makes of the file, or why it can make nothing of it. */
async function tellLayers(path: string): Promise<Omit<Inspected, 'what'>> {
  const { LayersFileError } = await import('../../../tasks/models/layers/layer-config.ts');
  try {
    return await readLayersFile(path);
  } catch (error) {
    if (!(error instanceof LayersFileError)) throw error;
    return {
      lines: [`a run cannot have it as its model: ${error.message}`],
      json: { problem: error.message },
    };
  }
}

/** @throws LayersFileError */
async function readLayersFile(path: string): Promise<Omit<Inspected, 'what'>> {
  const { readModelFile } = await import('../../../tasks/models/layers/model-file.ts');
  const { LayersFileError } = await import('../../../tasks/models/layers/layer-config.ts');
  const { layers: kind } = await import('../../../tasks/models/layers/layers.ts');
  const { formOf, parameterCount } = await import('../../../tasks/models/model-layout.ts');
  const model = await readModelFile(path);
  const wrong = kind.impossible!(model);
  if (wrong !== null) throw new LayersFileError(wrong.message);
  const parameters = parameterCount(model);
  const kinds = model.layers.map((layer) => layer.kind);
  return {
    lines: [
      `model       ${kinds.length} layers, ${parameters} parameters: ${kinds.join(', ')}`,
      `takes       ${model.input.join(' x ')} ${formOf(model)}`,
      'a run names it by `model: { kind: layers, file: ... }`',
      ...kind.remarks!(model),
    ],
    json: { model, parameters },
  };
}

export const MODEL_DESCRIPTIONS: readonly Inspection[] = [
  {
    what: 'a model that Keras saved',
    // The first members of the archive, whichever comes first.
    isSo: ({ head }) => /^PK.{28}(?:metadata|config)\.json/s.test(head.toString('latin1', 0, 50)),
    tell: tellLayers,
  },
  {
    what: 'the description of a model in the format of TensorFlow.js',
    isSo: ({ keys }) => keys.has('weightsManifest') && keys.has('modelTopology'),
    tell: async (path) => {
      const { lines, json } = await tellLayers(path);
      return { lines: [...lines, 'the weights lie beside it; `startFrom` of a run takes it'], json };
    },
  },
  {
    what: 'the description of a model by Keras',
    isSo: ({ keys }) => keys.has('class_name') && keys.has('config'),
    tell: tellLayers,
  },
  {
    what: 'the model of a trainer, as `starlings trainer manifest` prints it',
    isSo: ({ keys }) => keys.has('model') && keys.has('task') && !keys.has('name'),
    tell: async (path) => {
      const { loadYamlFile } = await import('../../../config/yaml-file.ts');
      const { runSpecSchema } = await import('../../../run/run-spec.ts');
      const { parameterCount } = await import('../../../tasks/models/model-layout.ts');
      const block = runSpecSchema.pick({ model: true, task: true, seed: true });
      const { model, task, seed } = await loadYamlFile(path, block);
      return {
        lines: [
          `model       ${model.kind}, ${parameterCount(model)} parameters, on ${task.kind}, seed ${seed}`,
          'it is a part of the description of a run: give it a name, rounds and slotMs beside',
        ],
        json: { model, task, seed },
      };
    },
  },
  {
    what: 'the card of a model',
    isSo: ({ head }) => /^# [^\n]*\n\nTrained with starlings by peers/.test(head.toString('utf8')),
    tell: async (path) => {
      const text = await readFile(path, 'utf8');
      // Rows of its first table; what stands in them was written as text.
      const rows = text.split('\n## ')[0]!.matchAll(/^\| ([^|\n]+) \| ((?:\\.|[^|\\\n])*) \|$/gm);
      const facts = [...rows].map(([, name, value]) => [name!, value!.replaceAll(/\\(.)|`/g, '$1')] as const);
      return {
        lines: facts.map(([name, value]) => `${name.padEnd(11)} ${value}`),
        json: Object.fromEntries(facts),
      };
    },
  },
];
