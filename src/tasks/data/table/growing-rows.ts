/** Rows of inputs and their answers, of a file that does not say how many it has. */
import { LabelledRows } from '../../datasets/labelled-rows.ts';
import { answerWidth, type Objective } from '../../objective.ts';

const rowsFirst = 1024;

export class GrowingRows {
  readonly #features: number;
  readonly #objective: Objective;
  readonly #width: number;
  #inputs: Float32Array;
  #answers: Int32Array | Float32Array;
  #rows = 0;

  constructor(features: number, objective: Objective) {
    this.#features = features;
    this.#objective = objective;
    this.#width = answerWidth(objective);
    this.#inputs = new Float32Array(rowsFirst * features);
    const length = rowsFirst * this.#width;
    this.#answers = objective.kind === 'classification' ? new Int32Array(length) : new Float32Array(length);
  }

  /** Answers of a number are standardised here. */
  add(inputs: ArrayLike<number>, answers: ArrayLike<number>): void {
    const at = this.#rows * this.#width;
    if (at === this.#answers.length) {
      this.#inputs = doubled(this.#inputs);
      this.#answers = doubled(this.#answers);
    }
    this.#inputs.set(inputs, this.#rows * this.#features);
    if (this.#objective.kind === 'regression') {
      const { mean, scale } = this.#objective.target;
      this.#answers[at] = (answers[0]! - mean) / scale;
    } else {
      this.#answers.set(answers, at);
    }
    this.#rows++;
  }

  take(): LabelledRows {
    return new LabelledRows({
      features: this.#features,
      inputs: this.#inputs.slice(0, this.#rows * this.#features),
      scale: 1,
      labels: this.#answers.slice(0, this.#rows * this.#width),
      objective: this.#objective,
    });
  }
}

function doubled<T extends Float32Array | Int32Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(2 * array.length);
  larger.set(array);
  return larger;
}
