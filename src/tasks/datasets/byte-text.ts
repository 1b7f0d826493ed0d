import type { ExampleForm } from '../example-form.ts';
import { classification } from '../objective.ts';
import { DataShapeError } from './data-error.ts';
import type { Batch, Dataset } from './dataset.ts';
import type { DirichletOptions } from './dirichlet-partition.ts';

/** Windows of a text that an evaluation measures, spread evenly over it: a GPT takes milliseconds for each. */
const measuredWindowsMax = 256;

/** A stretch of text: example i is the `context` bytes from byte i on, and the byte that follows each of them. */
export class ByteText implements Dataset {
  /** Bytes that are followed by a whole context: `bytes.length - context`. */
  readonly examples: number;
  readonly feeds: readonly ExampleForm[] = ['bytes'];
  readonly objective = classification;
  readonly exampleLength: number;
  /** A byte is in a context, or follows the last one of it. */
  readonly sharedBy: number;
  readonly bytes: Uint8Array;

  /** Keeps the bytes. @throws DataShapeError where they are too few for one example; `name` says what they are. */
  constructor(bytes: Uint8Array, context: number, name: string) {
    this.examples = bytes.length - context;
    this.exampleLength = context;
    this.sharedBy = context + 1;
    this.bytes = bytes;
    if (this.examples < 1) {
      throw new DataShapeError(`${name}: ${bytes.length} bytes are too few for one context of ${context}`);
    }
  }

  batchOf(examples: ArrayLike<number>, room?: Batch): Batch {
    const rows = examples.length;
    const { bytes, exampleLength: context } = this;
    const { inputs, labels } =
      room?.rows === rows
        ? room
        : { inputs: new Int32Array(rows * context), labels: new Int32Array(rows * context) };
    for (let row = 0; row < rows; row++) {
      const from = examples[row]!;
      inputs.set(bytes.subarray(from, from + context), row * context);
      labels.set(bytes.subarray(from + 1, from + 1 + context), row * context);
    }
    return { rows, inputs, labels };
  }

  /** Windows that do not overlap, at most `measuredWindowsMax`. */
  measuredExamples(): Uint32Array {
    const { examples, exampleLength: context } = this;
    const windows = Math.min(measuredWindowsMax, Math.ceil(examples / context));
    return Uint32Array.from({ length: windows }, (_, window) => {
      const spread = windows === 1 ? 0 : (window * (examples - 1)) / (windows - 1);
      return Math.floor(spread);
    });
  }

  /** The beginning. */
  sample(examplesMax: number): ByteText {
    if (this.examples <= examplesMax) return this;
    return this.#part(0, examplesMax + this.exampleLength, 'the sample');
  }

  /** The end is taken. */
  split(share: number): readonly [ByteText, ByteText] {
    const cut = Math.round(this.bytes.length * (1 - share));
    return [
      this.#part(0, cut, 'what is left to learn from'),
      this.#part(cut, this.bytes.length, 'the validation share'),
    ];
  }

  /** Contiguous parts of equal length, so that each peer has chapters of its own. */
  splitAmong({ peers }: DirichletOptions): ByteText[] {
    const cut = (peer: number) => Math.round((peer * this.bytes.length) / peers);
    return Array.from({ length: peers }, (_, peer) =>
      this.#part(cut(peer), cut(peer + 1), `the part of peer ${peer}`),
    );
  }

  relabelled(): ByteText {
    return this;
  }

  /** A byte is always one of 256. @throws DataShapeError for fewer classes */
  checkLabels(classes: number, name: string): void {
    if (classes < 256) throw new DataShapeError(`${name}: a byte is one of 256, the model knows ${classes}`);
  }

  #part(from: number, to: number, name: string): ByteText {
    return new ByteText(this.bytes.subarray(from, to), this.exampleLength, name);
  }
}
