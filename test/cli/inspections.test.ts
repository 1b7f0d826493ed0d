/** `starlings inspect`: what files are, told by nothing but what is in them. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { inspect } from '../../src/cli/parts/inspect/inspections.ts';
import { loadRunSpec } from '../../src/config/run-file.ts';
import { exporters } from '../../src/learning/model-files/exporters.ts';
import { modelCard } from '../../src/learning/model-files/model-card.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { encodeStoredEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { loadIdentity } from '../../src/network/identity.ts';
import { createRun, writeManifestFile } from '../../src/node/files/manifest-file.ts';
import { taskSchema } from '../../src/tasks/data/registry.ts';
import { writeMoments } from '../../src/tasks/data/table/moments-file.ts';
import { writeState } from '../../src/testnet/testnet-state.ts';
import { repositoryRoot } from '../architecture/source-tree.ts';
import { crypto, noHistory, signerOf, smallRun, specOf } from '../log/small-run.ts';
import { starlings } from './starlings-process.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-inspect-'));
after(() => rm(directory, { recursive: true, force: true }));

async function fileOf(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

describe('inspect', () => {
  test('knows everything that ships', async () => {
    const folders = {
      'configs/runs': 'the description of a run',
      'configs/sim': 'a scenario for the simulator',
      'configs/compare': 'a comparison of methods',
      'configs/nodes': 'the settings of a node',
    };
    for (const [folder, what] of Object.entries(folders)) {
      for (const name of await readdir(join(repositoryRoot, folder))) {
        const inspected = await inspect(join(repositoryRoot, folder, name));
        assert.equal(inspected?.what, what, name);
        assert.ok(inspected!.lines.length > 0);
      }
    }
  });

  test('says of a log that it has rounds, and not how many', async () => {
    const file = await inspect(join(repositoryRoot, 'configs/runs/labels.yaml'));
    assert.match(file!.lines[0]!, /: a log in rounds of 15 s by log$/);
    const spec = await loadRunSpec(join(repositoryRoot, 'configs/runs/labels.yaml'));
    const run = createRun(spec, 1_000_000, crypto, signerOf(1));
    const manifest = await inspect(await fileOf('log', run.bytes));
    assert.ok(manifest!.lines.includes('model       nothing; a log in rounds of 15 s'), `${manifest!.lines}`);
    const shown = await starlings('run', 'show', join(directory, 'log'));
    assert.match(shown.stdout, /^# starts 1970\S+: a log in rounds of 15 s$/m);
  });

  test('knows a manifest, a model and an entry, whose signature it checks', async () => {
    const run = createRun(specOf(), 1_000_000, crypto, signerOf(1));
    const manifest = await inspect(await fileOf('a', run.bytes));
    assert.equal(manifest?.what, 'the manifest of a run');
    assert.equal(manifest!.json['runId'], run.runId);

    const { initial, manifest: small } = smallRun();
    const model = join(directory, 'b');
    await writeSafetensors(model, small.model, initial, { round: '7' });
    const told = await inspect(model);
    assert.equal(told?.what, 'a model in the safetensors format');
    assert.equal(told!.json['parameters'], initial.length);

    const fields = { round: 3, kind: 0, index: 0, anchor: noHistory, claims: [] };
    const { runId } = run;
    const sealed = sealEnvelope(fields, new Uint8Array(5), { runId, crypto }, signerOf(2));
    const entry = await inspect(await fileOf('c', encodeStoredEnvelope(sealed)));
    assert.equal(entry?.what, 'an entry of a log');
    assert.deepEqual(
      [entry!.json['author'], entry!.json['round'], entry!.json['isSigned']],
      [signerOf(2).key, 3, true],
    );
    const forged = { ...sealed, signature: new Uint8Array(64) };
    const { json, lines } = (await inspect(await fileOf('d', encodeStoredEnvelope(forged))))!;
    assert.equal(json['isSigned'], false);
    assert.ok(lines.some((line) => line.includes('the signature is NOT good')));
  });

  test('knows what lies beside a run, and what was written for other programs', async () => {
    const vectors = { start: new Float32Array(smallRun().initial.length).fill(0.5) };
    const file = join(directory, 'with-start.manifest');
    await writeManifestFile(file, createRun(specOf(), 1_000_000, crypto, signerOf(1), vectors), vectors);
    const start = await inspect(`${file}.start`);
    assert.equal(start?.what, 'a file of a run, beside its manifest');
    assert.equal(start!.json['isIt'], true);
    await writeFile(`${file}.start`, new Uint8Array(8));
    assert.match((await inspect(`${file}.start`))!.lines.join(), /is NOT the start/);

    const { signer } = await loadIdentity(join(directory, 'key'));
    const key = await inspect(join(directory, 'key'));
    assert.equal(key?.json['key'], signer.key);
    const secret = (await readFile(join(directory, 'key'), 'utf8')).trim();
    assert.ok(!JSON.stringify(key).includes(secret));
    assert.match(key!.what, /, or the secret of a hidden run$/, 'which they all look like');

    const model = { kind: 'logistic-regression', inputs: 784, outputs: 10 } as const;
    const task = taskSchema.parse({ kind: 'idx-images' });
    const out = { model, vector: new Float32Array(7850), task };
    for (const { id, write } of exporters)
      await write({ ...out, out: join(directory, `exported-${id}`), metadata: {}, origin: {} });
    const whats = await Promise.all(
      exporters.map(async ({ id }) => (await inspect(join(directory, `exported-${id}`)))?.what),
    );
    assert.deepEqual(whats, [
      'the description of a model in the format of TensorFlow.js',
      'a model in the safetensors format',
      'a model in the ONNX format',
    ]);

    const moments = await fileOf('m.json', writeMoments({ rows: 9, hasNames: true, columns: [] }));
    assert.equal((await inspect(moments))?.what, 'moments of a table');
    const times = { createdAtMs: 1, startAtMs: 2, rounds: 3, slotMs: 4, windowRounds: 5 };
    await writeState(directory, { version: 1, runId: 'bafy', name: 'demo', ...times, members: [] });
    assert.equal((await inspect(join(directory, 'testnet.json')))?.json['name'], 'demo');
    await rm(join(directory, 'testnet.json'));
  });

  test('knows models of Keras, models of trainers, and cards', async () => {
    const keras = join(repositoryRoot, 'test/vectors/keras/image.keras');
    const saved = await inspect(keras);
    assert.equal(saved?.what, 'a model that Keras saved');
    assert.equal(saved!.json['parameters'], 393);
    assert.ok(saved!.lines.some((line) => line.includes('conv2d, group-normalization')));
    const json = await inspect(join(repositoryRoot, 'examples/own-model/model.json'));
    assert.equal(json?.what, 'the description of a model by Keras');
    assert.equal(json!.json['parameters'], 9242);
    const lambda = { class_name: 'Sequential', config: [{ class_name: 'Lambda', config: {} }] };
    const refused = await inspect(await fileOf('lambda.json', JSON.stringify(lambda)));
    assert.match(refused!.lines.join(), /^a run cannot have it as its model: layer layer_0 \(Lambda\)/);
    const cut = (await readFile(keras)).subarray(0, 900);
    assert.match(
      (await inspect(await fileOf('cut', cut)))!.lines.join(),
      /a run cannot have it as its model: .*damaged/,
    );

    const block = `model:\n  kind: external\n  parameters: 3\n  initHash: ${'ab'.repeat(32)}\ntask:\n  kind: external\nseed: 4\n`;
    const trainer = await inspect(await fileOf('block.yaml', block));
    assert.equal(trainer?.what, 'the model of a trainer, as `starlings trainer manifest` prints it');
    assert.match(trainer!.lines[0]!, /external, 3 parameters, on external, seed 4/);

    const model = { kind: 'logistic-regression', inputs: 2, outputs: 2 } as const;
    const origin = {
      ...{ name: 'a | b', runId: 'bafy', round: '7', method: 'delta-log', modelHash: null },
      ...{ measured: null, authors: [] },
    };
    const card = modelCard({ model, task: null, classes: ['well', 'ill'], origin, format: 'onnx', use: [] });
    const told = await inspect(await fileOf('card.md', card));
    assert.equal(told?.what, 'the card of a model');
    assert.deepEqual(told!.json, {
      ...{ model: 'logistic-regression, 6 parameters, as onnx', classes: 'well, ill' },
      ...{ run: 'a | b, bafy', method: 'delta-log', 'last round': '7' },
    });
  });

  test('says nothing of what it does not know, and one sentence of what is broken', async () => {
    for (const content of ['', 'a,b\n1,2\n', '[1,2]', '{"a":1}', new Uint8Array(64).fill(0xff), '\u0000']) {
      assert.equal(await inspect(await fileOf('e', content)), null, JSON.stringify(String(content)));
    }
    assert.equal(await inspect(directory), null);
    const { bytes } = createRun(specOf(), 1_000_000, crypto, signerOf(1));
    const bent = bytes.slice();
    bent[bent.length - 1]! ^= 1;
    await assert.rejects(inspect(await fileOf('f', bent)), { code: 'BAD_MANIFEST' });
    await assert.rejects(inspect(await fileOf('g', 'model: 1\ntask: 2\n')), { code: 'BAD_CONFIG' });
    await assert.rejects(inspect(await fileOf('h', 'starlings-log/1\n')), { code: 'BAD_ARCHIVE' });
    await assert.rejects(inspect(join(directory, 'nowhere')), { code: 'ENOENT' });
  });

  test('shows words of others and obeys none of them', async () => {
    const model = { kind: 'logistic-regression', inputs: 2, outputs: 2 } as const;
    const file = join(directory, 'steering.safetensors');
    const words = '\u001b]0;title\u0007 \u001b[2J \u009b31m \u202etxt.exe\r';
    await writeSafetensors(file, model, new Float32Array(6), { words });
    const { stdout } = await starlings('inspect', file);
    assert.match(stdout, /^words {7}\\x1b\]0;title\\x07 \\x1b\[2J \\x9b31m \\x202etxt\.exe\\x0d$/m);
    assert.doesNotMatch(stdout, /[^\P{Cc}\n]|\u202e/u);
  });

  test('takes no memory for JSON that is lists and nothing else', async () => {
    const lists = 5_000_000;
    const before = process.memoryUsage().heapUsed;
    const wide = await fileOf('wide', `{"format":1,"frames":[${'{},'.repeat(lists)}{}]}`);
    assert.equal(await inspect(wide), null);
    const deep = await fileOf('deep', `${'['.repeat(lists)}${']'.repeat(lists)}`);
    assert.equal(await inspect(deep), null);
    const taken = process.memoryUsage().heapUsed - before;
    assert.ok(taken < 32 * lists, `${taken} bytes`);
  });
});
