/** Whether a trainer does what docs/TRAINERS.md says: one thing after the other, each with a verdict in plain words. */
import { isDeepStrictEqual } from 'node:util';
import { headlineOf, writeMeasure } from '../../tasks/measures.ts';
import { externalFactsOf } from '../../tasks/models/registry.ts';
import { vectorHash } from '../initial.ts';
import { samplingRate } from '../private/poisson-sample.ts';
import type { TrainerWork } from './described-work.ts';
import type { ExaminedTrainer, Trained } from './examined-trainer.ts';
import { type Description, metricsOf } from './messages.ts';

export interface Verdict {
  readonly check: string;
  /** Null: there was nothing to be checked. */
  readonly passed: boolean | null;
  readonly words: string;
}

interface Examination {
  readonly trainer: ExaminedTrainer;
  readonly work: TrainerWork;
  readonly isExternal: boolean;
  /** What the run says of its start vector; null where there is no run. */
  readonly initHash: string | null;
  readonly graceMs: number;
  description: Description;
  /** As it says itself; null where it does not. */
  examples: number | null;
  start: Float32Array;
  trained: Trained;
  printed(): number;
}

/** Throws what is wrong, or returns what was seen; null where there was nothing to be seen. */
type Check = (one: Examination) => Promise<string | null>;

/** No trainer gets to the end of it. */
const endlessSteps = 1_000_000_000;
const stream = 'check/a';

class CheckFailedError extends Error {
  override readonly name = 'CheckFailedError';
  readonly code = 'CHECK_FAILED';
}

function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new CheckFailedError(otherwise);
}

const stepsOf = ({ training }: TrainerWork): number => Math.min(training.localSteps, 10);

const isSame = (a: Float32Array, b: Float32Array): boolean => vectorHash(a) === vectorHash(b);

const checks: Readonly<Record<string, Check>> = {
  'gets ready': async (one) => {
    const { description, backend, examples } = await one.trainer.ready(one.work);
    one.description = description;
    one.examples = examples;
    return `${description.name} ${description.version}, ${description.parameters} parameters: ${backend}`;
  },
  begins: async (one) => {
    one.start = await one.trainer.start(one.work, one.isExternal);
    if (!one.isExternal) return null;
    must(
      one.start.length === one.description.parameters,
      'the start vector has another size than it describes',
    );
    must(
      isSame(one.start, await one.trainer.start(one.work, true)),
      'it builds another start vector every time',
    );
    const hash = vectorHash(one.start);
    must(
      one.initHash === null || one.initHash === hash,
      `the start vector has hash ${hash}, the run asks for ${one.initHash}`,
    );
    return `the start vector has hash ${hash}, every time`;
  },
  trains: async (one) => {
    one.trained = await one.trainer.train(one.start, stepsOf(one.work), stream);
    must(!isSame(one.trained.vector, one.start), 'training left the vector as it was');
    return `${stepsOf(one.work)} steps, mean loss ${one.trained.loss.toPrecision(4)}`;
  },
  'repeats itself': async (one) => {
    if (!one.description.capabilities.includes('deterministic')) return null;
    const again = await one.trainer.train(one.start, stepsOf(one.work), stream);
    must(
      isSame(again.vector, one.trained.vector) && again.loss === one.trained.loss,
      'the same request gave other bits, though it names the capability deterministic: take all chance from streamKey',
    );
    return 'the same request gives the same bits';
  },
  'draws by the stream': async (one) => {
    const other = await one.trainer.train(one.start, stepsOf(one.work), 'check/b');
    must(
      !isSame(other.vector, one.trained.vector),
      'another streamKey gave the same bits: every node would do the same steps',
    );
    return 'another stream key gives another result';
  },
  measures: async (one) => {
    const measured = await one.trainer.evaluate(one.start);
    const again = await one.trainer.evaluate(one.start);
    must(isDeepStrictEqual(measured, again), 'it measures otherwise every time');
    const after = metricsOf(await one.trainer.evaluate(one.trained.vector));
    const { loss, examples } = after;
    const headline = headlineOf(after)!;
    return `${examples} answers: loss ${measured.loss.toPrecision(4)} before and ${loss.toPrecision(4)} after, ${headline.id} ${writeMeasure(headline)}`;
  },
  scores: async (one) => {
    if (!one.description.capabilities.includes('score')) return null;
    const [a, b, c] = await one.trainer.score([one.start, one.trained.vector, one.start]);
    must(
      a !== undefined && b !== undefined && a === c,
      'it does not score one loss for each vector, in their order',
    );
    return `${a!.toPrecision(4)} before and ${b!.toPrecision(4)} after`;
  },
  'has a gradient': async (one) => {
    if (!one.description.capabilities.includes('gradient')) return null;
    const { vector } = await one.trainer.gradient(one.start);
    must(
      vector.some((value) => value !== 0),
      'the gradient is zero everywhere',
    );
    return 'finite, and as long as the model';
  },
  'protects examples': async (one) => {
    if (!one.description.capabilities.includes('privacy')) return null;
    must(one.examples !== null, 'it names the capability privacy and does not say how many examples it has');
    return protectsExamples(one, one.examples!);
  },
  'hears cancel': async (one) => {
    const enough = new AbortController();
    const running = one.trainer.train(one.start, endlessSteps, stream, enough.signal).catch(() => {});
    setTimeout(() => enough.abort(new Error('enough')), 500);
    await running;
    must(
      !one.trainer.isOver,
      `it did not let go of a training within ${one.graceMs / 1000} s: a node would end it`,
    );
    return 'a training that nobody wants any more ends, and it goes on';
  },
  'ends early': async (one) => {
    if (!one.description.capabilities.includes('enough')) return null;
    const early = new AbortController();
    setTimeout(() => early.abort(), 500);
    const limit = AbortSignal.timeout(500 + one.graceMs);
    const { vector, steps } = await one.trainer
      .train(one.start, endlessSteps, stream, limit, early.signal)
      .catch(() => ({ vector: one.start, steps: 0 }));
    must(
      steps > 0,
      'told that it is enough it did not answer with what it had, though it names the capability enough',
    );
    must(steps < endlessSteps, 'it ended early and did not say how many steps it made');
    if (!one.description.capabilities.includes('deterministic')) return `after ${steps} steps`;
    const again = await one.trainer.train(one.start, steps, stream);
    must(
      isSame(again.vector, vector),
      `${steps} steps give other bits than a training that ended after as many`,
    );
    return `after ${steps} steps, with what so many come to`;
  },
  'refuses another size': async (one) => {
    const wrong = one.start.subarray(1);
    const answer = await one.trainer.train(wrong, 1, stream).then(
      () => 'it trained a vector of another size than its model has',
      () => null,
    );
    must(answer === null, answer ?? '');
    must(!one.trainer.isOver, 'a vector of another size ended it: answer with an error instead');
    return 'with an error, and goes on';
  },
  'refuses what is no number': async (one) => {
    const wrong = one.start.map(() => Number.NaN);
    const answer = await one.trainer.train(wrong, 1, stream).then(
      () => 'from a vector of NaN it trained to finite numbers',
      () => null,
    );
    must(answer === null, answer ?? '');
    must(!one.trainer.isOver, 'a vector of NaN ended it: answer with the error diverged instead');
    return 'with an error, or the node does, and goes on';
  },
  'comes back': async (one) => {
    await one.trainer.kill();
    await one.trainer.ready(one.work);
    const again = await one.trainer.train(one.start, stepsOf(one.work), stream);
    must(
      isSame(again.vector, one.trained.vector) || !one.description.capabilities.includes('deterministic'),
      'after it was killed and started again the same request gave other bits: it keeps something between rounds',
    );
    return 'killed and started again, it trains as before';
  },
  'ends with the node': async (one) => {
    must(await one.trainer.end(), 'it goes on when its node is gone: end at the end of file descriptor 3');
    return 'when descriptor 3 does';
  },
  'prints apart': async (one) => {
    const lines = one.printed();
    return lines === 0 ? null : `${lines} lines, which go into the node's log`;
  },
};

/** What a step of plain SGD makes of the gradient shows how much of it was noise, and how much examples. */
async function protectsExamples({ trainer, work, start }: Examination, examples: number): Promise<string> {
  const { batchSize, learningRate, optimiser, schedule } = work.training;
  const rate = samplingRate(batchSize, examples);
  const step = async (clipNorm: number, noiseMultiplier: number): Promise<number> => {
    const privacy = { clipNorm, noiseMultiplier, samplingRate: rate };
    const { vector } = await trainer.trainPrivately(start, 1, stream, privacy);
    const again = await trainer.trainPrivately(start, 1, stream, privacy);
    must(
      !isSame(vector, again.vector),
      'the same stream gave the same noise: who knows the stream takes it off',
    );
    const moved = vector.reduce((sum, value, at) => sum + (value - start[at]!) ** 2, 0);
    return (Math.sqrt(moved) * rate * examples) / learningRate;
  };
  // So loud that what the examples add is nothing beside it.
  const loud = 100 + 20 * batchSize;
  const noisy = await step(1, loud);
  if (optimiser.id !== 'sgd' || optimiser.momentum !== 0 || schedule.id !== 'constant') {
    return 'the noise is another one each time; how much it is shows under plain SGD alone';
  }
  const noise = noisy / Math.sqrt(start.length);
  const doubt = 0.02 + 5 / Math.sqrt(2 * start.length);
  must(
    Math.abs(noise / loud - 1) <= doubt,
    `the noise on a step has deviation ${noise.toPrecision(3)} where ${loud} was asked for`,
  );
  const [clip, quiet] = [1e-3, 1e-3];
  const most = clip * (batchSize + 6 * Math.sqrt(batchSize) + 6);
  // Noise, and what float32 rounds.
  const beside = Math.sqrt(start.length) * (6 * quiet * clip + (1e-6 * rate * examples) / learningRate);
  const heard = await step(clip, quiet);
  must(
    heard <= most + beside,
    `examples add ${(heard / clip).toPrecision(3)} times clipNorm to a step of ${batchSize}`,
  );
  return `noise of deviation ${noise.toPrecision(4)} where ${loud} was asked for, and examples that add no more than clipNorm each`;
}

export interface CheckOptions {
  readonly trainer: ExaminedTrainer;
  readonly work: TrainerWork;
  readonly initHash: string | null;
  readonly graceMs: number;
  readonly printed: () => number;
  readonly onVerdict: (verdict: Verdict) => void;
  readonly signal: AbortSignal;
}

/** What comes before is needed by what follows: these end it. */
const needed: ReadonlySet<string> = new Set(['gets ready', 'begins', 'trains']);

/** Whether nothing failed. @throws the signal's reason */
export async function checkTrainer(options: CheckOptions): Promise<boolean> {
  const { trainer, work, initHash, graceMs, printed, onVerdict, signal } = options;
  const one: Examination = {
    ...{ trainer, work, initHash, graceMs, printed },
    isExternal: externalFactsOf(work.model) !== null,
    examples: null,
    description: { name: '', version: '', parameters: 0, layout: [], capabilities: [] },
    start: new Float32Array(0),
    trained: { vector: new Float32Array(0), loss: 0 },
  };
  let allPassed = true;
  for (const [check, examine] of Object.entries(checks)) {
    signal.throwIfAborted();
    try {
      // What the last one ended is there again for this one.
      if (check !== 'gets ready' && trainer.isOver) await trainer.ready(work);
      const words = await examine(one);
      onVerdict({ check, passed: words === null ? null : true, words: words ?? 'nothing to check' });
    } catch (error) {
      signal.throwIfAborted();
      allPassed = false;
      onVerdict({ check, passed: false, words: (error as Error).message });
      if (needed.has(check)) return false;
    }
  }
  return allPassed;
}
