/**
 * A trainer of three numbers, which does as its first argument says where the stream key is `evil`, and well otherwise. Its model is known to
 * it alone: it learns the centre of points that it draws.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { encode, serve, TrainerError } from '../../../examples/trainers/node/starlings-trainer.mjs';
import { rngFor } from '../../../src/math/rng.ts';

const [, , mode = 'good', place = ''] = process.argv;
const centre = [1, -2, 0.5];
let folder = '';

const squared = (vector) => centre.reduce((sum, value, at) => sum + (value - vector[at]) ** 2, 0) / 2;

function answerRaw(id, changes = {}) {
  send({ v: 1, id, op: 'train', length: 3, sha256: '00'.repeat(32), loss: 1, samples: 1, ...changes });
}

function send(message) {
  sendBytes(encode(message));
}

function sendBytes(body) {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  writeSync(4, Buffer.concat([head, body]));
}

const never = () => new Promise(() => setInterval(() => {}, 1000));

/** What each does in place of an answer; those that return go on to answer well. */
const deeds = {
  good: () => {},
  steady: () => {},
  nan: () => {},
  hangs: async () => {
    process.on('SIGTERM', () => {});
    for (;;);
  },
  slow: never,
  dies: () => process.exit(3),
  speaks: () => {
    writeSync(2, 'CUDA out of memory\n');
    process.exit(1);
  },
  floods: () => {
    for (let line = 0; line < 100_000; line++) writeSync(1, `${'x'.repeat(200)} ${line}\n`);
  },
  prints: () => {
    writeSync(1, 'loss 0.5\rloss 0.4\n\u001b[2Jthe end');
  },
  forks: () => {
    const child = spawn('sleep', ['600'], { stdio: 'inherit' });
    appendFileSync(place, `${child.pid}\n`);
    process.exit(1);
  },
  short: ({ out, id }) => {
    writeFileSync(join(folder, out), Buffer.alloc(8));
    answerRaw(id);
    process.exit(0);
  },
  links: ({ out, id }) => {
    writeFileSync(join(folder, 'elsewhere'), Buffer.alloc(12));
    symlinkSync(join(folder, 'elsewhere'), join(folder, out));
    answerRaw(id);
    process.exit(0);
  },
  absent: ({ id }) => {
    answerRaw(id);
    process.exit(0);
  },
  sizes: ({ id }) => {
    answerRaw(id, { length: 4 });
    process.exit(0);
  },
  early: ({ id }) => {
    answerRaw(id, { steps: 1 });
    process.exit(0);
  },
  late: ({ id }) => {
    answerRaw(id, { steps: 1000 });
    process.exit(0);
  },
  hashes: ({ out, id }) => {
    writeFileSync(join(folder, out), Buffer.alloc(12));
    answerRaw(id);
    process.exit(0);
  },
  fails: () => {
    throw new TrainerError('failed', 'no more \u001b[31mluck');
  },
  words: ({ id }) => {
    answerRaw(id, { length: 'three' });
    process.exit(0);
  },
  twice: ({ id }) => {
    const twice = { v: 1, id, op: 'error', code: 'failed', message: 'once' };
    send(twice);
    send(twice);
    return never();
  },
  others: ({ id }) => {
    answerRaw(id + 1000);
    return never();
  },
  mistakes: ({ id }) => {
    answerRaw(id, { op: 'evaluate' });
    return never();
  },
  progresses: ({ id, steps }) => {
    send({ v: 1, id, op: 'progress', steps: steps + 1 });
    return never();
  },
  longs: () => {
    sendBytes(Buffer.alloc((1 << 20) + 1));
    return never();
  },
  babbles: () => {
    sendBytes(Buffer.from('loss = 0.5'));
    return never();
  },
  closes: () => {
    closeSync(4);
    return never();
  },
};

serve({
  name: 'some',
  version: '1',
  describe: () => ({ parameters: 3 }),
  init(request) {
    folder = request.folder;
    if (mode === 'unready') process.exit(9);
    if (mode === 'unhurried') return never();
    if (mode === 'tells') console.log(`${process.pid} ${folder}`);
    return 'centres, by hand';
  },
  initial: () => [0, 0, 0],
  async train(vector, request, progress) {
    if (mode === 'raises') {
      console.error('KeyError: no such column');
      process.exit(1);
    }
    if (request.streamKey === 'evil') await deeds[mode](request);
    const rng = rngFor(mode === 'careless' ? String(process.hrtime.bigint()) : request.streamKey);
    let loss = 0;
    for (let step = 0; step < request.steps; step++) {
      loss += squared(vector);
      vector.forEach((value, at) => {
        vector[at] = value + 0.1 * (centre[at] + rng.uniform(-0.1, 0.1) - value);
      });
      if (mode === 'steady') await pause(700);
      await progress(step + 1);
    }
    if (mode === 'nan' && request.streamKey === 'evil') vector[1] = Number.NaN;
    return { vector, loss: loss / request.steps, samples: request.steps };
  },
  evaluate: (vector) => {
    const loss = squared(vector);
    if (mode === 'nameless') return { loss, examples: 1 };
    if (mode === 'measures') {
      const measures = [
        { id: 'rmse\u001b[2J', value: Math.sqrt(loss), better: 'lower', unit: 'mm\u0007Hg' },
        { id: 'hits', value: 0.5, better: 'higher', unit: '%' },
      ];
      return { loss, examples: 1, measures };
    }
    if (mode === 'wordy') return { loss, examples: 1, measures: [{ id: 'r', value: '1', better: 'lower' }] };
    return { loss, accuracy: loss < 0.1 ? 1 : 0, examples: 1 };
  },
  score: (vectors) => vectors.map(squared),
});
