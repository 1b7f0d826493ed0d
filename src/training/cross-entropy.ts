import * as tf from '@tensorflow/tfjs';

/** Probabilities below the smallest normal float32 count as it, so that a loss is at most 87.4 and finite. */
const PROBABILITY_MIN = 2 ** -126;
const BUFFER_LENGTH = 4096;

/**
 * Mean of -ln(p) over the probabilities given to the true labels. The logarithm is the backend's: `Math.log`
 * may differ in the last bit between engines, and a loss that is published should be reproducible. Logarithms
 * are taken in blocks, because a call to the backend costs more than a batch of them.
 */
export class MeanCrossEntropy {
  private readonly buffer = new Float32Array(BUFFER_LENGTH);
  private filled = 0;
  private sum = 0;
  private count = 0;

  add(probabilityOfLabel: number): void {
    this.buffer[this.filled++] = Math.max(probabilityOfLabel, PROBABILITY_MIN);
    if (this.filled === BUFFER_LENGTH) {
      this.flush();
    }
  }

  /** NaN where nothing, or a probability that is not a number, was added. */
  mean(): number {
    this.flush();
    return this.sum / this.count;
  }

  private flush(): void {
    if (this.filled === 0) {
      return;
    }
    const logarithms = tf.tidy(() =>
      tf.log(tf.tensor1d(this.buffer.slice(0, this.filled))).dataSync<'float32'>(),
    );
    for (const logarithm of logarithms) {
      this.sum -= logarithm;
    }
    this.count += this.filled;
    this.filled = 0;
  }
}
