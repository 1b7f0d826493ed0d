/** A model that nodes trained on exported labels, asked of records that nobody has answered yet. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ConfigError } from '../../../config/config-error.ts';
import { csvLine } from '../../../core/csv-line.ts';
import { choicesOf, type Question, wayOf } from '../../../entries/labels/question.ts';
import { predict } from '../../../learning/tfjs/inference.ts';
import { objectiveOf, type TaskSpec, taskKindOf } from '../../../tasks/data/registry.ts';
import { inputsOf, outputsOf } from '../../../tasks/models/model-layout.ts';
import { type FoundModel, findModel } from '../model/model-source.ts';
import { readInputRows, taskOf } from '../model/model-task.ts';
import { withTextFile } from '../written-entry.ts';
import { choiceOf } from './label-export.ts';
import type { LabelRecord } from './label-records.ts';
import { featuresOf, wordColumns, wordCounts } from './word-counts.ts';

export interface Suggestion {
  readonly value: string;
  /** How probable it is, as the model has it. */
  readonly probability: number;
}

/** As a file of numbers, at a time. */
const recordsAtOnce = 1024;

export class Suggester {
  /** SHA-256 of its file, hexadecimal. */
  readonly model: string;
  readonly #found: FoundModel;
  readonly #task: TaskSpec;
  /** Null for one that is none of the answers. */
  readonly #classes: readonly (string | null)[];
  readonly #features: number;

  private constructor(
    model: string,
    found: FoundModel,
    { task, classes, features }: { task: TaskSpec; classes: readonly (string | null)[]; features: number },
  ) {
    this.model = model;
    this.#found = found;
    this.#task = task;
    this.#classes = classes;
    this.#features = features;
  }

  /** `place`: a model file, or the directory of a node. @throws ConfigError where its answers are none of the question; ModelFileError */
  static async open(place: string, question: Question): Promise<Suggester> {
    const found = await findModel(place);
    const task = taskOf(found);
    const { classes = null, features: columns = null } = taskKindOf(task).names?.(task) ?? {};
    const features = columns === null ? null : featuresOf(columns[0] ?? '');
    if (features === null)
      throw new ConfigError(
        'BAD_USAGE',
        `${found.file} was not trained on what \`label export --format table\` writes`,
      );
    const choices = wayOf(question) === 'choose' ? choicesOf(question) : [];
    const isOurs =
      objectiveOf(task).kind === 'classification' &&
      classes?.some((name) => choiceOf(choices, name) !== null);
    if (!isOurs || classes === null)
      throw new ConfigError('BAD_USAGE', `${found.file} was trained for other answers than the question has`);
    const hash = createHash('sha256');
    await pipeline(createReadStream(found.file), hash);
    const known = classes.map((name) => choiceOf(choices, name));
    return new Suggester(hash.digest('hex'), found, { task, classes: known, features });
  }

  /** By the hashes of records; none where the most probable class is no answer. */
  async suggest(
    records: readonly LabelRecord[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Suggestion>> {
    const all = new Map<string, Suggestion>();
    for (let from = 0; from < records.length; from += recordsAtOnce) {
      const some = records.slice(from, from + recordsAtOnce);
      const inputs = await this.#inputs(some);
      const { model, vector } = this.#found;
      const { classes, probabilities } = await predict(model, vector, inputs, signal);
      const width = outputsOf(model);
      for (const [row, { hash }] of some.entries()) {
        const value = this.#classes[classes[row]!] ?? null;
        if (value !== null)
          all.set(hash, { value, probability: probabilities[row * width + classes[row]!]! });
      }
    }
    return all;
  }

  /** By the way that new rows take in `model predict`: the columns that the model was given, scaled as in training. */
  #inputs(records: readonly LabelRecord[]): Promise<Float32Array> {
    const rows = records.map((record) => csvLine(wordCounts(record, this.#features)));
    const text = `${[csvLine(wordColumns(this.#features)), ...rows].join('\n')}\n`;
    return withTextFile('records.csv', text, (file) =>
      readInputRows(file, this.#task, inputsOf(this.#found.model)),
    );
  }
}
