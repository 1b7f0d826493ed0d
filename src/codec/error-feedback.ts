/** What a compressor leaves out, kept for another time. Works with any of them. */
import type { Compressor } from './compressor.ts';

/**
 * Error feedback (Seide et al. 2014; Karimireddy et al. 2019, "Error Feedback Fixes SignSGD"): e <- decay e + x, send C(e), e <- e -
 * C(e). With decay 1 all inputs together are what was sent and what is left. In float64, so that the sum holds to 1e-12.
 */
export class ErrorFeedback {
  readonly residual: Float64Array;
  readonly #compressor: Compressor;
  readonly #decay: number;

  constructor(compressor: Compressor, decay: number) {
    this.#compressor = compressor;
    this.#decay = decay;
    this.residual = new Float64Array(compressor.size);
  }

  /** Returns the body; the receiver gets `decompress` of it. */
  compress(input: ArrayLike<number>, random: () => number): Uint8Array {
    const { residual } = this;
    for (let i = 0; i < residual.length; i++) residual[i] = this.#decay * residual[i]! + input[i]!;
    const body = this.#compressor.compress(Float32Array.from(residual), random);
    const sent = this.#compressor.decompress(body);
    for (let i = 0; i < residual.length; i++) residual[i] = residual[i]! - sent[i]!;
    return body;
  }
}

/**
 * EF21 (Richtarik, Sokolov, Fatkhullin 2021): sender and receivers hold one estimate g of the input; c = C(x - g) travels, g <- g + c.
 * The error of the estimate shrinks for an input that stands still, where classic error feedback only bounds it.
 */
export class Ef21 {
  readonly estimate: Float64Array;
  readonly #compressor: Compressor;

  constructor(compressor: Compressor) {
    this.#compressor = compressor;
    this.estimate = new Float64Array(compressor.size);
  }

  compress(input: ArrayLike<number>, random: () => number): Uint8Array {
    const { estimate } = this;
    const gap = Float32Array.from(estimate, (value, i) => input[i]! - value);
    const body = this.#compressor.compress(gap, random);
    const sent = this.#compressor.decompress(body);
    for (let i = 0; i < estimate.length; i++) estimate[i] = estimate[i]! + sent[i]!;
    return body;
  }
}

/**
 * sqrt(beta / theta) of EF21's step size 1 / (L + L_max sqrt(beta / theta)) for a compressor that keeps the fraction alpha of the
 * energy: (1 + sqrt(1 - alpha)) / alpha - 1.
 */
export function ef21StepRatio(alpha: number): number {
  if (!(alpha > 0 && alpha <= 1))
    throw new RangeError(`a compressor keeps a fraction above 0 and up to 1, not ${alpha}`);
  return (1 + Math.sqrt(1 - alpha)) / alpha - 1;
}
