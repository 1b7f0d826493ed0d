/** What a node says to a trainer and what it may hear, version 1. docs/TRAINERS.md describes it for those who write trainers. */
import * as z from 'zod';
import { hex32 } from '../../core/bytes.ts';
import { DataFileError } from '../../tasks/datasets/data-error.ts';
import { measureSchema } from '../../tasks/measure-schema.ts';
import type { Metrics } from '../../tasks/metrics.ts';
import { TrainingDivergedError } from '../learning-error.ts';
import { byTrainer, TrainerAnswerError, TrainerProtocolError } from './trainer-error.ts';

export const protocolVersion = 1;

/** What is asked of a trainer and answered once. */
export type Operation = 'describe' | 'init' | 'initial' | 'train' | 'score' | 'evaluate' | 'gradient';

/** As many as the file of a model may hold: 2 GiB of float32. */
const parametersMax = 2 ** 29;

/** Figures that an evaluation may bring. */
const measuresMax = 32;

const words = z.string().max(4096);
const count = z.int().min(0);

const vectorAnswer = z.object({ length: count, sha256: z.string().regex(hex32) });
export type VectorAnswer = z.infer<typeof vectorAnswer>;

const answers = {
  describe: z.object({
    name: z.string().min(1).max(200),
    version: z.string().min(1).max(200),
    parameters: z.int().min(1).max(parametersMax),
    layout: z
      .array(z.object({ name: z.string().min(1).max(200), shape: z.array(count).max(8), offset: count }))
      .max(8192),
    capabilities: z.array(z.string().max(64)).max(32),
  }),
  init: z.object({
    backend: words.min(1),
    /** Of one training share, by a trainer that knows DP-SGD: no two of them hold the same datum. */
    examples: z.int().min(1).optional(),
  }),
  initial: vectorAnswer,
  /** `steps`: made, where it was told that those are enough. */
  train: vectorAnswer.extend({ loss: z.number(), samples: count, steps: z.int().min(1).optional() }),
  score: z.object({ losses: z.array(z.number()).max(65_536) }),
  evaluate: z.object({
    loss: z.number().min(0),
    /** Left out where the task knows no right and wrong. */
    accuracy: z.number().min(0).max(1).optional(),
    /** Its own figures, the one to look at first. */
    measures: z.array(measureSchema).min(1).max(measuresMax).optional(),
    examples: z.int().min(1),
  }),
  gradient: vectorAnswer.extend({ loss: z.number() }),
} as const satisfies Readonly<Record<Operation, z.ZodObject>>;

export type TrainerAnswer<Op extends Operation> = z.infer<(typeof answers)[Op]>;
export type Description = TrainerAnswer<'describe'>;

export type Fields = Readonly<Record<string, unknown>>;

/** Anything that a trainer says, before it is known what it answers. */
const envelope = z.looseObject({ v: z.literal(protocolVersion), id: z.int().min(1), op: z.string().max(64) });
export type Said = z.infer<typeof envelope>;

const progress = z.object({ steps: z.int().min(1) });
const failure = z.object({ code: z.string().max(64), message: words });

/** @throws TrainerProtocolError */
export function readSaid(message: unknown): Said {
  const parsed = envelope.safeParse(message);
  if (parsed.success) return parsed.data;
  throw new TrainerProtocolError(`it sent a message without v: ${protocolVersion}, id and op`);
}

/** Steps done so far. @throws TrainerProtocolError */
export function readProgress(said: Said): number {
  const parsed = progress.safeParse(said);
  if (parsed.success) return parsed.data.steps;
  throw new TrainerProtocolError('it sent progress without the number of steps done');
}

/** @throws TrainerAnswerError, DataFileError, TrainingDivergedError, as the answer says; TrainerProtocolError where it answers something else */
export function readAnswer<Op extends Operation>(op: Op, said: Said): TrainerAnswer<Op> {
  if (said.op === 'error') throw errorOf(op, said);
  if (said.op !== op) throw new TrainerProtocolError(`it was asked to ${op} and answered ${said.op}`);
  const parsed = answers[op].safeParse(said);
  if (parsed.success) return parsed.data as TrainerAnswer<Op>;
  const wrong = parsed.error.issues.map((issue) => wrongField(issue, said)).join('; ');
  throw new TrainerAnswerError(`its answer to ${op} is not what it should be: ${wrong}`);
}

/** `samples: expected number to be >=0, got -5` */
function wrongField({ path, message }: z.core.$ZodIssue, said: Said): string {
  const got = path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)?.[key], said);
  const shown = got === undefined ? 'nothing' : (JSON.stringify(got) ?? typeof got);
  return withoutControls(
    `${path.join('.')}: ${message.replace(/^[^:]*: /, '').replace(/, received .*$/, '')}, got ${shown.slice(0, 40)}`,
  );
}

/** The words go to terminals: nothing in them may steer one. */
export function withoutControls(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}

function errorOf(op: Operation, said: Said): Error {
  const parsed = failure.safeParse(said);
  if (!parsed.success) return new TrainerProtocolError('it sent an error without code and message');
  const message = withoutControls(parsed.data.message);
  switch (parsed.data.code) {
    case 'data':
      return new DataFileError(message);
    case 'diverged':
      return new TrainingDivergedError(message);
    default:
      return new TrainerAnswerError(`${byTrainer}could not ${op}: ${message}`);
  }
}

/** Accuracy or figures of its own, whose names go to terminals. @throws TrainerAnswerError for neither */
export function metricsOf({ accuracy, loss, examples, measures }: TrainerAnswer<'evaluate'>): Metrics {
  if (measures !== undefined) {
    const own = measures.map(({ id, unit, ...rest }) => ({
      ...rest,
      id: withoutControls(id),
      ...(unit === undefined ? {} : { unit: withoutControls(unit) }),
    }));
    return { accuracy: accuracy ?? null, loss, examples, measures: own };
  }
  if (accuracy !== undefined) return { accuracy, loss, examples };
  throw new TrainerAnswerError('the trainer evaluated to neither accuracy nor measures');
}
