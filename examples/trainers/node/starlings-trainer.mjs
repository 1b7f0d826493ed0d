/**
 * A trainer for starlings in plain JavaScript, without packages: `serve({ name, version, describe, init, initial, train, evaluate })`.
 * docs/TRAINERS.md describes what it speaks; mlp.mjs is one. With `trainPrivately(vector, request, progress)` and `examples()` it protects its examples as well,
 * with `request.privacy` and the chance of `poissonSample` and `addNoise`. Vectors come and go as Float32Array, and the one that comes is yours until you answer; console.log goes into the node's log.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** An error that the node is told by its code: `data` (told to the owner of the node), `diverged`, `unsupported`, `cancelled`. */
export class TrainerError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

function head(major, value) {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 2 ** 8) return Buffer.from([(major << 5) | 24, value]);
  const bytes = Buffer.alloc(value < 2 ** 16 ? 3 : value < 2 ** 32 ? 5 : 9);
  bytes[0] = (major << 5) | (bytes.length === 3 ? 25 : bytes.length === 5 ? 26 : 27);
  if (bytes.length === 9) bytes.writeBigUInt64BE(BigInt(value), 1);
  else bytes.writeUIntBE(value, 1, bytes.length - 1);
  return bytes;
}

/** Canonical CBOR: shortest integers, keys shortest first, floats in 64 bits and only where they are no whole numbers. */
export function encode(value) {
  if (value === null) return Buffer.from([0xf6]);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xf5 : 0xf4]);
  if (typeof value === 'string')
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(encode)]);
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value >= 0 ? head(0, value) : head(1, -1 - value);
    if (!Number.isFinite(value)) throw new TrainerError('diverged', 'a number that is not finite');
    const bytes = Buffer.alloc(9);
    bytes[0] = 0xfb;
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  const pairs = Object.entries(value).map(([key, item]) => [Buffer.from(key), item]);
  pairs.sort(([a], [b]) => a.length - b.length || a.compare(b));
  const parts = pairs.flatMap(([key, item]) => [head(3, key.length), key, encode(item)]);
  return Buffer.concat([head(5, pairs.length), ...parts]);
}

/** Value, and where the next one begins. */
function decode(bytes, at = 0) {
  const major = bytes[at] >> 5;
  const info = bytes[at++] & 31;
  if (major === 7) {
    if (info === 27) return [bytes.readDoubleBE(at), at + 8];
    return [info === 22 ? null : info === 21, at];
  }
  let size = info;
  if (info >= 24) {
    const width = 2 ** (info - 24);
    size = width === 8 ? Number(bytes.readBigUInt64BE(at)) : bytes.readUIntBE(at, width);
    at += width;
  }
  if (major === 0) return [size, at];
  if (major === 1) return [-1 - size, at];
  if (major === 3) return [bytes.toString('utf8', at, at + size), at + size];
  const items = [];
  for (let index = 0; index < (major === 5 ? 2 * size : size); index++) {
    const [item, next] = decode(bytes, at);
    items.push(item);
    at = next;
  }
  if (major === 4) return [items, at];
  return [
    Object.fromEntries(items.flatMap((item, index) => (index % 2 ? [] : [[item, items[index + 1]]]))),
    at,
  ];
}

/** Uniform in (0, 1), of the cryptographic generator of the system: nobody can draw it again. */
function secretNumbers(count) {
  const bytes = randomBytes(8 * count);
  return Float64Array.from(
    { length: count },
    (_, at) => (Number(bytes.readBigUInt64LE(8 * at) >> 11n) + 0.5) / 2 ** 53,
  );
}

/** Numbers of the examples of a step: each takes part with probability `rate`, on its own. */
export function poissonSample(examples, rate) {
  const numbers = secretNumbers(examples);
  return Array.from(numbers.keys()).filter((example) => numbers[example] < rate);
}

/** Adds normal noise of this deviation to every number (Box, Muller 1958). */
export function addNoise(numbers, deviation) {
  const chance = secretNumbers(2 * numbers.length);
  for (let at = 0; at < numbers.length; at++) {
    const radius = Math.sqrt(-2 * Math.log(chance[2 * at]));
    numbers[at] += deviation * radius * Math.cos(2 * Math.PI * chance[2 * at + 1]);
  }
}

const requests = new Socket({ fd: 3, readable: true, writable: false });
const answers = new Socket({ fd: 4, readable: false, writable: true });

export function say(id, op, fields = {}) {
  const body = encode({ v: 1, id, op, ...fields });
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length);
  answers.write(Buffer.concat([size, body]));
}

let folder = '';
let size = 0;
/** The request that the node gave up last, and the one that has been trained enough: ids, which come before their turn too. */
let cancelled = 0;
let enough = 0;

/** What vectors are read into, by file: the next request writes over them. */
const rooms = new Map();

function load(name) {
  const file = openSync(join(folder, name));
  try {
    const numbers = fstatSync(file).size / 4;
    if (numbers !== size) throw new Error(`the model has ${size} parameters, the vector ${numbers}`);
    if (!rooms.has(name)) rooms.set(name, new Float32Array(size));
    const vector = rooms.get(name);
    const bytes = Buffer.from(vector.buffer);
    for (let at = 0; at < bytes.length; ) at += readSync(file, bytes, at, bytes.length - at, at);
    return vector;
  } finally {
    closeSync(file);
  }
}

function store(name, numbers) {
  const vector = numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  // Over what is there: it is read before the next request.
  const file = openSync(join(folder, name), constants.O_WRONLY | constants.O_CREAT, 0o600);
  writeFileSync(file, bytes);
  ftruncateSync(file, bytes.length);
  closeSync(file);
  return { length: vector.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function answer(trainer, request) {
  switch (request.op) {
    case 'describe': {
      const told = await trainer.describe(request);
      size = told.parameters;
      const layout = request.layout ?? [{ name: 'parameters', shape: [size], offset: 0 }];
      const can = {
        ...{ score: trainer.score, gradient: trainer.gradient, privacy: trainer.trainPrivately },
        enough: trainer.endsEarly,
      };
      const capabilities = ['deterministic', ...Object.keys(can).filter((name) => can[name])];
      return { name: trainer.name, version: trainer.version, layout, capabilities, ...told };
    }
    case 'init':
      folder = request.folder;
      return {
        backend: await trainer.init(request),
        ...(trainer.trainPrivately ? { examples: trainer.examples() } : {}),
      };
    case 'initial':
      return store(request.out, await trainer.initial(request.seed));
    case 'train': {
      let made = 0;
      /** To be awaited after a step: lets cancel be heard. True where that is enough: a trainer with `endsEarly` then returns what it has. */
      const progress = async (steps) => {
        say(request.id, 'progress', { steps });
        await nextTurn();
        if (cancelled === request.id) throw new TrainerError('cancelled', 'cancelled');
        made = steps;
        return enough === request.id;
      };
      if (request.privacy && !trainer.trainPrivately) break;
      const train = request.privacy ? trainer.trainPrivately : trainer.train;
      const { vector, ...rest } = await train.call(trainer, load(request.in), request, progress);
      const isCut = trainer.endsEarly && made < request.steps;
      return { ...store(request.out, vector), ...rest, ...(isCut ? { steps: made } : {}) };
    }
    case 'evaluate':
      return trainer.evaluate(load(request.in));
    case 'score':
      if (trainer.score) return { losses: await trainer.score(request.ins.map(load)) };
      break;
    case 'gradient':
      if (trainer.gradient) {
        const { vector, loss } = await trainer.gradient(load(request.in));
        return { ...store(request.out, vector), loss };
      }
  }
  throw new TrainerError('unsupported', `${request.op} is not among what this trainer can do`);
}

async function take(trainer, request) {
  try {
    const fields = await answer(trainer, request);
    say(request.id, request.op, fields);
  } catch (error) {
    if (!(error instanceof TrainerError)) console.error(error);
    const code = error instanceof TrainerError ? error.code : 'failed';
    say(request.id, 'error', { code, message: String(error.message).slice(0, 1000) });
  }
}

/** The node is gone without a word: nobody else takes its vectors away. */
function orphaned() {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

/** Answers until the node ends it. */
export function serve(trainer) {
  let held = Buffer.alloc(0);
  let turn = Promise.resolve();
  requests.on('data', (piece) => {
    held = Buffer.concat([held, piece]);
    while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
      const [request] = decode(held.subarray(4, 4 + held.readUInt32BE(0)));
      held = held.subarray(4 + held.readUInt32BE(0));
      if (request.op === 'shutdown') process.exit(0);
      if (request.op === 'cancel') cancelled = request.target;
      else if (request.op === 'enough') enough = request.target;
      else turn = turn.then(() => take(trainer, request));
    }
  });
  // The end of the node is our end.
  requests.on('end', orphaned);
  requests.on('error', orphaned);
}
