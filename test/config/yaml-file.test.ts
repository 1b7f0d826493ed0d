import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadRunSpec } from '../../src/config/run-file.ts';
import { parseYaml, yamlBytesMax } from '../../src/config/yaml-file.ts';
import { impossibleCombination, runSpecSchema } from '../../src/run/run-spec.ts';

const good = `name: demo
model:
  kind: mlp
  inputs: 784
  hidden: [64]
  outputs: 10
task:
  kind: idx-images
training:
  learningRate: 0.1
strategy:
  id: delta-log
  windowRounds: 6
rounds: 100
slotMs: 700
`;

test('a file of another kind is called that, a run with a field that is unknown is not', () => {
  const node = parseYaml.bind(
    null,
    'runs:\n  - { run: a, data: b }\nhttpPort: 1\n',
    'node.yaml',
    runSpecSchema,
  );
  assert.throws(() => node(undefined), {
    code: 'BAD_CONFIG',
    message: 'node.yaml: this looks like the settings of a node: use it with `starlings node --config`',
  });
  assert.match(complaintAbout(`${good}runFile: x\n`), /runFile: unknown key/);
});

const parse = (text: string) => parseYaml(text, 'run.yaml', runSpecSchema, impossibleCombination);

/** The message for `good` with one piece of it replaced. */
function complaint(from: string, to: string): string {
  assert.ok(good.includes(from), `${from} is not in the good file`);
  return complaintAbout(good.replace(from, to));
}

function complaintAbout(text: string): string {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail('the file was taken');
}

test('a good file is taken and its defaults filled in', () => {
  const spec = parse(good);
  assert.equal(spec.training.learningRate, 0.1);
  assert.equal(spec.training.batchSize, 32);
  assert.equal(spec.membership.kind, 'open');
});

const cases: readonly [what: string, from: string, to: string, message: string][] = [
  [
    'wrong type',
    'learningRate: 0.1',
    'learningRate: fast',
    'run.yaml:10:17: training.learningRate: expected number, got string "fast"',
  ],
  ['below the range', 'slotMs: 700', 'slotMs: 7', 'run.yaml:15:9: slotMs: expected at least 50, got 7'],
  [
    'above the range',
    'learningRate: 0.1',
    'learningRate: 11',
    'run.yaml:10:17: training.learningRate: expected at most 10, got 11',
  ],
  [
    'an open bound',
    'learningRate: 0.1',
    'learningRate: 0',
    'run.yaml:10:17: training.learningRate: expected more than 0, got 0',
  ],
  [
    'a fraction for a count',
    'rounds: 100',
    'rounds: 1.5',
    'run.yaml:14:9: rounds: expected whole number, got number 1.5',
  ],
  [
    'unknown key, near a known one',
    'learningRate: 0.1',
    'learning_rate: 0.1',
    'run.yaml:10:3: training.learning_rate: unknown key; did you mean learningRate? ' +
      'known here: localSteps, slotShare, batchSize, learningRate, optimiser, schedule, clipNorm, privacy',
  ],
  [
    'unknown key, near none',
    'kind: idx-images',
    'kind: idx-images\n  zzz: 1',
    'run.yaml:9:3: task.zzz: unknown key; known here: kind',
  ],
  [
    'unknown key in the branch of a union',
    'windowRounds: 6',
    'windowRound: 6',
    'run.yaml:13:3: strategy.windowRound: unknown key; did you mean windowRounds? known here: id, codec, ' +
      'residualDecay, committeeSize, expectedPeers, windowRounds, admitRounds, clipFactor, normMax, outerRate, overlap, headStart, snapshotRounds, judgingRounds, judging, audits, alliance, peerPrivacy, kinds',
  ],
  [
    'unknown kind',
    'kind: mlp',
    'kind: cnn',
    'run.yaml:3:9: model.kind: expected "mlp" or "logistic-regression" or "lenet" or "gn-lenet" or "resnet-8" or "gpt" or "gpt-lora" or "layers" or "nothing" or "external", got string "cnn"',
  ],
  [
    'missing key at the top',
    'rounds: 100\n',
    '',
    'run.yaml:1:1: rounds: expected number, got nothing: it is required',
  ],
  [
    'missing key below',
    '  inputs: 784\n',
    '',
    'run.yaml:2:1: model.inputs: expected number, got nothing: it is required',
  ],
  [
    'an entry of a list',
    'hidden: [64]',
    'hidden: [64, big]',
    'run.yaml:5:16: model.hidden[1]: expected number, got string "big"',
  ],
  [
    'an empty list',
    'hidden: [64]',
    'hidden: []',
    'run.yaml:5:11: model.hidden: expected a number of entries of at least 1, got 0',
  ],
  ['null', 'rounds: 100', 'rounds:', 'run.yaml:14:8: rounds: expected number, got nothing (null)'],
  [
    'a pattern',
    'name: demo',
    'name: My Run',
    'run.yaml:1:7: name: expected lower-case letters, digits and dashes, got string "My Run"',
  ],
  [
    'an impossible combination',
    'windowRounds: 6',
    'windowRounds: 6\n  admitRounds: 6',
    'run.yaml:14:16: strategy.admitRounds: must be below windowRounds (6): a delta admitted last needs time to spread',
  ],
  [
    'an impossible combination with a default',
    'windowRounds: 6',
    'windowRounds: 3',
    'run.yaml:11:1: strategy.admitRounds: must be below windowRounds (3): a delta admitted last needs time to spread',
  ],
];
for (const [what, from, to, message] of cases) {
  test(`refuses ${what}`, () => assert.equal(complaint(from, to), message));
}

test('lists several problems in the order of the lines', () => {
  const text = complaintAbout(good.replace('slotMs: 700', 'slotMs: x').replace('outputs: 10', 'outputs: 0'));
  assert.deepEqual(text.split('\n'), [
    'run.yaml:6:12: model.outputs: expected at least 1, got 0',
    'run.yaml:15:9: slotMs: expected number, got string "x"',
  ]);
});

test('says where invalid YAML is', () => {
  assert.match(complaint('hidden: [64]', 'hidden: [64'), /^run\.yaml:6:\d+: this is not valid YAML: /);
  assert.match(
    complaint('rounds: 100', 'rounds: 100\nrounds: 3'),
    /^run\.yaml:15:1: .*[Kk]eys must be unique/,
  );
  assert.match(
    complaint('rounds: 100', 'rounds: !!js/function 1'),
    /^run\.yaml:14:9: this is not valid YAML: /,
  );
  assert.match(complaintAbout('a: 1\n---\nb: 2\n'), /^run\.yaml:2:1: this is not valid YAML: /);
});

test('refuses an empty file, a scalar and aliases that explode', () => {
  assert.match(complaintAbout('# nothing\n'), /^run\.yaml:1:1: the file is empty/);
  assert.equal(complaintAbout('hello\n'), 'run.yaml:1:1: expected object, got string "hello"');
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++)
    bomb.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  assert.match(complaintAbout(bomb.join('\n')), /^run\.yaml:1:1: the YAML cannot be expanded/);
});

test('finds a value behind an alias and a key that is a prototype name', () => {
  const text = 'x: &t\n  learningRate: no\n';
  assert.match(
    complaintAbout(
      good.replace('training:\n  learningRate: 0.1', 'training: &t\n  learningRate: 0.1\nother: *t'),
    ),
    /^run\.yaml:11:1: other: unknown key/,
  );
  assert.match(complaintAbout(`${text}__proto__: 1\n`), /__proto__: unknown key/);
});

test('bounds the list of problems', () => {
  const many = Array.from({ length: 50 }, (_, i) => `bad${i}: 1`).join('\n');
  const lines = complaintAbout(good + many).split('\n');
  assert.equal(lines.length, 21);
  assert.equal(lines[20], 'and 30 more');
});

const directory = await mkdtemp(join(tmpdir(), 'starlings-config-'));
after(() => rm(directory, { recursive: true, force: true }));

async function failureOf(file: string): Promise<ConfigError> {
  try {
    await loadRunSpec(file);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error;
  }
  return assert.fail(`${file} was taken`);
}

test('a missing file, a directory, a huge file and a locked one get one sentence each', async () => {
  const missing = await failureOf(join(directory, 'none.yaml'));
  assert.equal(missing.code, 'UNREADABLE_CONFIG');
  assert.match(missing.message, /none\.yaml: no such file; check the path$/);
  assert.match((await failureOf(directory)).message, /this is a directory; name the YAML file in it$/);
  const huge = join(directory, 'huge.yaml');
  await writeFile(huge, Buffer.alloc(yamlBytesMax + 1, 0x20));
  assert.match((await failureOf(huge)).message, /has more than 1048576 bytes/);
  if (process.getuid?.() !== 0) {
    const locked = join(directory, 'locked.yaml');
    await writeFile(locked, good);
    await chmod(locked, 0);
    assert.match((await failureOf(locked)).message, /not readable by you/);
  }
});

test('every run in configs/runs is good', async () => {
  const folder = new URL('../../configs/runs/', import.meta.url).pathname;
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
  assert.ok(files.length >= 3);
  for (const file of files)
    assert.equal((await loadRunSpec(join(folder, file))).name, file.replace('.yaml', ''));
});

test('refuses what is nested more deeply than anybody writes, and says where', () => {
  const deep: readonly [text: string, at: string][] = [
    [`a: ${'['.repeat(500_000)}`, '1:104'],
    ['{a: '.repeat(200_000), '1:401'],
    [`a: 1\n${'- '.repeat(400_000)}`, '2:201'],
    ['? '.repeat(400_000), '1:201'],
  ];
  for (const [text, at] of deep) {
    const message = `run.yaml:${at}: this is not valid YAML: more than 100 lists or objects within each other`;
    assert.equal(complaintAbout(text), message, text.slice(0, 10));
  }
  const [open, shut] = ['['.repeat(99), ']'.repeat(99)];
  assert.match(complaintAbout(`name: ${open}${shut}`), /name: expected string, got list of 1/);
});

test('takes time for keys as it takes it for entries of a list, and counts what it does not list', () => {
  const many = Array.from({ length: 60_000 }, (_, index) => index);
  const msOf = (text: string): number => {
    const startedMs = performance.now();
    complaintAbout(text);
    return performance.now() - startedMs;
  };
  const list = msOf(many.map((index) => `- k${index}: 1\n`).join(''));
  const keys = many.map((index) => `k${index}: 1\n`).join('');
  const ratio = msOf(keys) / list;
  assert.ok(ratio < 4, `${ratio} times as long`);
  // The five that are required and missing are told as well.
  assert.match(complaintAbout(keys), /\nand 59985 more$/);
});
