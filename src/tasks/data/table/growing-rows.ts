/** Rows of inputs and their classes, of a file that does not say how many it has. */
import { LabelledRows } from '../../datasets/labelled-rows.ts';

const rowsFirst = 1024;

export class GrowingRows {
  readonly #features: number;
  #inputs: Float32Array;
  #labels = new Int32Array(rowsFirst);
  #rows = 0;

  constructor(features: number) {
    this.#features = features;
    this.#inputs = new Float32Array(rowsFirst * features);
  }

  add(inputs: ArrayLike<number>, label: number): void {
    if (this.#rows === this.#labels.length) {
      this.#inputs = doubled(this.#inputs);
      this.#labels = doubled(this.#labels);
    }
    this.#inputs.set(inputs, this.#rows * this.#features);
    this.#labels[this.#rows++] = label;
  }

  take(): LabelledRows {
    return new LabelledRows({
      features: this.#features,
      inputs: this.#inputs.slice(0, this.#rows * this.#features),
      scale: 1,
      labels: this.#labels.slice(0, this.#rows),
    });
  }
}

function doubled<T extends Float32Array | Int32Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(2 * array.length);
  larger.set(array);
  return larger;
}
