import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { loadRunSpec } from '../../src/config/run-file.ts';
import { taskSchema } from '../../src/tasks/data/registry.ts';
import { impossibleTask } from '../../src/tasks/impossible-task.ts';
import { LayersFileError } from '../../src/tasks/models/layers/layer-config.ts';
import { layers } from '../../src/tasks/models/layers/layers.ts';
import type { LayersSpec } from '../../src/tasks/models/layers/layers-spec.ts';
import { readLayers } from '../../src/tasks/models/layers/read-layers.ts';
import { type ModelSpec, modelSchema } from '../../src/tasks/models/registry.ts';
import { startBackend } from '../../src/tensor/tfjs-backend.ts';
import { models, savedJson } from './layers-oracle.ts';

type Json = Record<string, unknown>;
const layer = (class_name: string, config: Json = {}): Json => ({ class_name, config });
const input = (...shape: unknown[]): Json => layer('InputLayer', { batch_shape: [null, ...shape] });
const classes = layer('Dense', { name: 'classes', units: 3, activation: 'softmax' });
const sequential = (...parts: Json[]): Json => ({
  class_name: 'Sequential',
  config: { name: 'm', layers: parts },
});
const conv = (config: Json): Json =>
  layer('Conv2D', { name: 'c', filters: 4, kernel_size: [3, 3], ...config });

/** A tensor as Keras 3 has it among what a layer is called with. */
const tensorOf = (name: string): Json => ({
  class_name: '__keras_tensor__',
  config: { keras_history: [name, 0, 0] },
});
const functional = (...parts: Json[]): Json => ({ class_name: 'Functional', config: { layers: parts } });
const called = (one: Json, ...inbound_nodes: unknown[]): Json => ({ ...one, inbound_nodes });
const opened = called(layer('InputLayer', { name: 'x', batch_shape: [null, 4] }));
const kerasDense = (name: string, node: Json): Json =>
  called(layer('Dense', { name, units: 4 }), { args: [tensorOf('x')], kwargs: {}, ...node });
const recurrent = (className: string, config: Json): Json =>
  layer(className, {
    ...{ name: 'r', units: 3, activation: 'tanh', recurrent_activation: 'sigmoid' },
    ...config,
  });

/** Deeper than a recursive writer of JSON goes. */
const nested = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`);

const refusals: readonly (readonly [string, unknown, RegExp])[] = [
  [
    'a Lambda',
    sequential(input(7), layer('Lambda', { name: 'evil', function: 'x' }), classes),
    /^layer evil \(Lambda\) is not possible here: it is code/,
  ],
  [
    "a class of one's own",
    sequential(input(7), layer('MyLayer', { name: 'mine' }), classes),
    /layer mine \(MyLayer\).*none of Dense, Conv2D/,
  ],
  [
    'a class named as a property of all objects',
    sequential(input(7), layer('constructor', { name: 'x' }), classes),
    /layer x \(constructor\)/,
  ],
  [
    'an activation named so',
    sequential(input(7), layer('Dense', { name: 'x', units: 3, activation: 'toString' })),
    /activation toString is not known/,
  ],
  [
    'start values whose name is an object that is no text',
    sequential(input(8, 8, 1), conv({ kernel_initializer: { class_name: { toString: false } } })),
    /kernel_initializer of the kind object is not possible here/,
  ],
  [
    'batch normalisation',
    sequential(input(8, 8, 1), layer('BatchNormalization', { name: 'bn' })),
    /layer bn .*running statistics.*GroupNormalization/,
  ],
  [
    'softmax in the middle',
    sequential(input(7), layer('Dense', { name: 'x', units: 3, activation: 'softmax' }), classes),
    /softmax is for the last layer/,
  ],
  [
    'channels first',
    sequential(input(8, 8, 1), conv({ data_format: 'channels_first' }), classes),
    /layer c \(Conv2D\): data_format "channels_first"/,
  ],
  ['groups', sequential(input(8, 8, 1), conv({ groups: 2 }), classes), /groups 2 is not possible here/],
  [
    'a regulariser',
    sequential(input(7), layer('Dense', { name: 'd', units: 3, kernel_regularizer: { class_name: 'L2' } })),
    /kernel_regularizer: remove it/,
  ],
  [
    'a frozen layer',
    sequential(input(7), layer('Dense', { name: 'd', units: 3, trainable: false })),
    /set trainable to true/,
  ],
  [
    'what nobody knows',
    sequential(input(7), layer('Dense', { name: 'd', units: 3, lora_rank: 4 })),
    /lora_rank is not known here/,
  ],
  [
    'units that are none',
    sequential(input(7), layer('Dense', { name: 'd', units: Number.NaN })),
    /units must be a whole number/,
  ],
  [
    'a million units and more',
    sequential(input(7), layer('Dense', { name: 'd', units: 2 ** 40 })),
    /layer d \(Dense\): .*1048576/,
  ],
  [
    'a window larger than the image',
    sequential(input(4, 4, 1), conv({ kernel_size: 5 })),
    /layer c \(Conv2D\) its window of 5 x 5 is larger than 4 x 4/,
  ],
  ['a shape with holes', sequential(input(null, null, 3), conv({})), /input shape must be/],
  ['no shape', sequential(layer('Dense', { name: 'd', units: 3 })), /must say its input shape/],
  ['two inputs', sequential(input(3), input(3), classes), /may have one input/],
  [
    'a reshape that loses values',
    sequential(input(7), layer('Reshape', { name: 'r', target_shape: [2, 3] })),
    /cannot make 2 x 3 of 7/,
  ],
  [
    'a reshape to no whole number',
    sequential(input(7), layer('Reshape', { name: 'r', target_shape: [-1, 2] }), classes),
    /layer r \(Reshape\)/,
  ],
  [
    'a bias that begins elsewhere',
    sequential(input(7), layer('Dense', { name: 'd', units: 3, bias_initializer: 'ones' })),
    /bias_initializer must be zeros/,
  ],
  ['a subclassed model', { class_name: 'MyModel', config: { layers: [] } }, /class MyModel is its own code/],
  ['1,025 layers', sequential(...Array.from({ length: 1025 }, () => layer('Flatten'))), /more than 1024/],
  [
    'as many, each before the one that it takes',
    functional(
      ...Array.from({ length: 40_000 }, (_, at) =>
        called(layer('Dense', { name: `d${at}`, units: 2 }), [[`d${at + 1}`, 0, 0]]),
      ),
    ),
    /40000 layers, more than 1024/,
  ],
  [
    'two layers of one name',
    functional(opened, kerasDense('d', {}), kerasDense('d', {})),
    /layer d: there are two of this name/,
  ],
  [
    'a layer that is called with more than values',
    functional(opened, kerasDense('d', { kwargs: { initial_state: [tensorOf('x')] } })),
    /layer d: what it takes cannot be read; .* and nothing else/,
  ],
  [
    'the same in the words of Keras 2',
    functional(opened, called(layer('Dense', { name: 'd', units: 4 }), [['x', 0, 0, { mask: ['x', 0, 0] }]])),
    /layer d: what it takes cannot be read/,
  ],
  [
    'a number that is added',
    functional(opened, called(layer('Add', { name: 'sum' }), { args: [tensorOf('x'), 1], kwargs: {} })),
    /layer sum: what it takes cannot be read/,
  ],
  [
    'a softmax over the examples',
    sequential(input(7), layer('Dense', { name: 'd', units: 3 }), layer('Softmax', { name: 's', axis: 0 })),
    /layer s \(Softmax\): axis must be the last one/,
  ],
  [
    'one number between 0 and 1',
    sequential(input(7), layer('Dense', { name: 'd', units: 1, activation: 'sigmoid' })),
    /for two classes give 2 units and softmax, for a number no activation/,
  ],
  [
    'a model inside a model',
    sequential(input(7), sequential(input(7), classes), classes),
    /layer m|layer layer_1 \(Sequential\).* put its layers into the outer one/,
  ],
  [
    'a field that is very deep',
    sequential(input(8, 8, 1), conv({ data_format: nested })),
    /data_format of the kind object is not possible here/,
  ],
  ['a shape that is very deep', sequential(input(nested), classes), /its input shape must be/],
  [
    'a node that is very deep',
    functional(opened, called(layer('Dense', { name: 'd', units: 2 }), nested)),
    /what it takes cannot be read/,
  ],
  [
    'a dropout between the steps of a recurrent layer',
    sequential(input(6, 2), recurrent('LSTM', { dropout: 0.2 }), classes),
    /layer r \(LSTM\): dropout 0\.2 is not possible here: a round must give the same bits/,
  ],
  [
    'another activation inside',
    sequential(input(6, 2), recurrent('GRU', { activation: 'relu' }), classes),
    /layer r \(GRU\): activation "relu" is not possible here: .*tanh, and sigmoid at the gates/,
  ],
  [
    'gates that TensorFlow.js has where nobody names others',
    sequential(input(6, 2), recurrent('LSTM', { recurrent_activation: 'hard_sigmoid' }), classes),
    /recurrent_activation "hard_sigmoid" is not possible here/,
  ],
  [
    'gates that nobody names',
    sequential(input(6, 2), layer('GRU', { name: 'r', units: 3 }), classes),
    /layer r \(GRU\): recurrent_activation is missing/,
  ],
  [
    'a state that goes on with the next batch',
    sequential(input(6, 2), recurrent('LSTM', { stateful: true }), classes),
    /stateful is not known here: leave it out/,
  ],
  [
    'steps without end',
    sequential(input(100_000, 2), recurrent('LSTM', {}), classes),
    /layer r \(LSTM\) takes at most 1024 steps, not 100000/,
  ],
  [
    'a sequence where there is none',
    sequential(input(7), layer('Conv1D', { name: 'c', filters: 3, kernel_size: [2] }), classes),
    /layer c \(Conv1D\) takes a sequence \(steps x channels\), not 7/,
  ],
  [
    'an embedding that hides symbols',
    sequential(
      input(9),
      layer('Embedding', { name: 'e', input_dim: 256, output_dim: 3, mask_zero: true }),
      classes,
    ),
    /mask_zero true is not possible here/,
  ],
  ['nothing', sequential(), /no layers/],
  ['a list', [], /no model of layers/],
  ['null', null, /no model of layers/],
  [
    'a circle',
    {
      class_name: 'Functional',
      config: { layers: [{ ...layer('Flatten', { name: 'a' }), inbound_nodes: [[['a', 0, 0, {}]]] }] },
    },
    /of itself by a detour/,
  ],
];

describe('a file of layers that cannot be trained', () => {
  for (const [title, json, expected] of refusals) {
    test(`is refused: ${title}`, () => {
      assert.throws(
        () => readLayers(json),
        (error) =>
          error instanceof LayersFileError && expected.test(error.message) && !error.message.includes('\n'),
      );
    });
  }

  test('is refused in a sentence, however it was changed', async () => {
    await startBackend('wasm');
    const files = await Promise.all(Object.values(models).map(async (build) => savedJson(build())));
    const value = fc.oneof(fc.constantFrom(null, -1, 0, 1.5, 2 ** 31, 'same', [], {}, true), fc.jsonValue());
    let refused = 0;
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.nat(), value, (file, place, other) => {
        const changed = structuredClone(file);
        const places = placesIn(changed);
        const { holder, key } = places[place % places.length]!;
        holder[key] = other;
        try {
          modelSchema.parse(readLayers(changed));
        } catch (error) {
          if (!(error instanceof LayersFileError)) throw error;
          refused++;
        }
      }),
      { numRuns: 1500, includeErrorInReport: true },
    );
    assert.ok(refused > 300, `${refused} of 1500`);
  });
});

function placesIn(value: unknown): { readonly holder: Json; readonly key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    { holder: value as Json, key },
    ...placesIn(inner),
  ]);
}

describe('a manifest of layers', () => {
  const [image] = layers.examples as readonly [LayersSpec, LayersSpec];
  const problemOf = (model: LayersSpec) =>
    layers.impossible!(modelSchema.parse(model) as LayersSpec)?.message;
  const dense = (name: string, units: number) => ({
    kind: 'dense' as const,
    name,
    units,
    activation: 'linear' as const,
    bias: true,
    deviation: 0.1,
  });

  test('is checked by every peer, whoever wrote it', () => {
    const flat = { kind: 'layers' as const, input: [1 << 20] };
    const cases: readonly (readonly [LayersSpec, RegExp])[] = [
      [{ ...flat, layers: [dense('a', 1 << 20), dense('b', 3)] }, /layer a takes the model beyond/],
      [{ ...image, input: [8, 8] }, /must be \[values\] or/],
      [{ ...image, input: [1 << 20, 1 << 20, 4] }, /are more than/],
      [{ ...flat, layers: [{ kind: 'flatten', name: 'f' }] }, /nothing to train/],
      [{ ...flat, layers: [dense('a', 3), dense('a', 3)] }, /layer a has the name of one before it/],
      [{ ...flat, layers: [dense('input', 3)] }, /layer input has the name/],
      [
        { ...flat, layers: [dense('a', 3), { kind: 'add', name: 's', from: ['a', 'z'] }] },
        /takes the values of z, which is not before it/,
      ],
      [
        { ...flat, layers: [dense('a', 3), { kind: 'add', name: 's', from: ['a', 'input'] }] },
        /of one shape, not 3 and/,
      ],
      [{ ...flat, input: [2], layers: [dense('a', 65_537)] }, /a row of 1 to 65536 numbers/],
      [{ ...image, layers: image.layers.slice(0, 2) }, /gives 8 x 8 x 4: the last one must give/],
    ];
    for (const [model, expected] of cases) assert.match(problemOf(model) ?? 'possible', expected);
    assert.equal(problemOf(image), undefined);
    assert.equal(problemOf({ ...flat, layers: [dense('a', 1)] }), undefined);
    const idle: LayersSpec = { ...flat, layers: [{ kind: 'dropout', name: 'd', rate: 0.5 }, dense('a', 3)] };
    assert.match(layers.remarks!(idle).join(), /^layer d: its dropout is not applied/);
    assert.deepEqual(layers.remarks!(image), []);
  });

  test('may say one number where the task asks for one, and labels where it asks for labels', () => {
    const ends = (units: number, activation?: string) =>
      readLayers(sequential(input(2), layer('Dense', { name: 'd', units, activation }))) as ModelSpec;
    const numeric = ['a', 'b'].map((column) => ({ column, mean: 0, scale: 1 }));
    const tableOf = (label: object) => taskSchema.parse({ kind: 'table', numeric, label });
    const number = tableOf({ kind: 'number', column: 'y', mean: 0, scale: 1 });
    const labels = tableOf({ kind: 'labels', columns: ['p', 'q'] });
    assert.equal(impossibleTask(number, ends(1)), null);
    assert.match(impossibleTask(tableOf({ column: 'class' }), ends(1))!.message, /at least 2/);
    assert.equal(impossibleTask(labels, ends(2, 'sigmoid')), null);
    // The loss's, as softmax is: applied twice, no label would be less likely than one half.
    assert.deepEqual(ends(2, 'sigmoid'), ends(2));
  });

  test('of text never looks ahead, and tells bytes', () => {
    const written = layers.examples.find((model) => layers.takes(model) === 'bytes')!;
    const [bytes, conv, ...others] = written.layers;
    const changed = (...all: readonly unknown[]) => problemOf({ ...written, layers: all } as LayersSpec);
    assert.equal(changed(bytes, conv, ...others), undefined);
    const pool = { kind: 'max-pooling1d', name: 'pool', pool: 2, stride: 1, padding: 'same' };
    const ahead = /would look ahead to the bytes that are to be told/;
    assert.match(changed(bytes, { ...conv, padding: 'same' }, ...others)!, ahead);
    assert.match(changed(bytes, pool, ...others)!, ahead);
    assert.match(changed(bytes, { ...others[0], sequences: false }, others.at(-1))!, ahead);
    assert.match(changed(bytes, { kind: 'flatten', name: 'flat' }, others.at(-1))!, ahead);
    assert.match(changed({ ...bytes, symbols: 1000 }, others.at(-1))!, /has 1000 symbols: text is bytes/);
    assert.match(changed(bytes, { ...others.at(-1), units: 128 })!, /must give 256 numbers for each byte/);
    assert.match(changed(conv, bytes)!, /takes a sequence/);
    const late = { ...bytes, name: 'late', from: ['bytes'] };
    assert.match(changed(bytes, late)!, /must be the first, and take what the model is given/);
    const raw = { kind: 'add', name: 'raw', from: ['bytes', 'input'] };
    assert.match(changed(bytes, raw)!, /takes the bytes themselves: only an embedding can/);
  });

  test('names the field that a task cannot feed', () => {
    const model: ModelSpec = image;
    assert.equal(impossibleTask({ kind: 'idx-images' }, model), null);
    assert.match(
      impossibleTask({ kind: 'text', heldOutFraction: 0.1, chat: 'plain' }, model)!.message,
      /^must be gpt/,
    );
  });
});

describe('a run file that names a model file', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starlings-layers-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const runWith = async (model: string): Promise<string> => {
    const file = join(folder, 'run.yaml');
    await writeFile(
      file,
      `name: own\nmodel: ${model}\ntask: { kind: idx-images }\nrounds: 3\nslotMs: 1000\n`,
    );
    return file;
  };

  test('holds the model itself', async () => {
    const json = sequential(layer('Flatten', { batch_input_shape: [null, 28, 28] }), classes);
    await writeFile(join(folder, 'model.json'), JSON.stringify({ modelTopology: { model_config: json } }));
    const { model } = await loadRunSpec(await runWith('{ kind: layers, file: model.json }'));
    assert.deepEqual(model, {
      kind: 'layers',
      input: [28, 28, 1],
      layers: [
        { kind: 'reshape', name: 'without_channels', shape: [28, 28] },
        { kind: 'flatten', name: 'layer_0' },
        {
          kind: 'dense',
          name: 'classes',
          units: 3,
          activation: 'linear',
          bias: true,
          deviation: Math.sqrt(2 / 787),
        },
      ],
    });
  });

  test('is refused at the line that names what cannot be read', async () => {
    const refused = (model: string, expected: RegExp) => async () =>
      assert.rejects(loadRunSpec(await runWith(model)), expected);
    await refused(
      '{ kind: layers, file: nowhere.json }',
      /run\.yaml:2:\d+: model\.file: nowhere\.json: cannot be read \(ENOENT\)/,
    )();
    await refused('{ kind: layers, file: . }', /model\.file: \.: is no file/)();
    await writeFile(join(folder, 'broken.json'), '{');
    await refused('{ kind: layers, file: broken.json }', /is no JSON/)();
    await writeFile(join(folder, 'lambda.json'), JSON.stringify(refusals[0]![1]));
    await refused(
      '{ kind: layers, file: lambda.json }',
      /run\.yaml:2:\d+: model\.file: lambda\.json: layer evil/,
    )();
    await refused('{ kind: mlp, file: model.json }', /unknown key/)();
  });
});
