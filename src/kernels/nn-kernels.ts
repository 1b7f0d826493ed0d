/**
 * What the modules `nn` and `nn-fast` export. Vectors and matrices are addresses in the memory that the module was
 * instantiated with, float32 unless said otherwise; the sources in `assembly/nn` say what each function computes.
 */
export interface NnKernels {
  gemmScratchBytes(): number;
  gemm(
    rows: number,
    columns: number,
    depth: number,
    a: number,
    rowStepA: number,
    columnStepA: number,
    b: number,
    rowStepB: number,
    columnStepB: number,
    c: number,
    rowStepC: number,
    accumulate: number,
    scratch: number,
  ): void;
  addBiasActivate(x: number, bias: number, rows: number, columns: number, activation: number): void;
  reluBackward(y: number, dy: number, dx: number, n: number, isRelu6: number): void;
  columnSums(x: number, sums: number, rows: number, columns: number): void;

  convolutionScratchBytes(geometry: number): number;
  convolve(geometry: number, x: number, filter: number, out: number, scratch: number): void;
  convolveFilterGradient(
    geometry: number,
    x: number,
    outGradient: number,
    filterGradient: number,
    scratch: number,
  ): void;
  convolveInputGradient(
    geometry: number,
    outGradient: number,
    filter: number,
    inGradient: number,
    scratch: number,
  ): void;
  depthwiseFilterGradient(geometry: number, x: number, outGradient: number, filterGradient: number): void;
  depthwiseInputGradient(geometry: number, outGradient: number, filter: number, inGradient: number): void;

  maxPoolGradient(geometry: number, x: number, y: number, dy: number, dx: number): void;

  segmentSum(x: number, ids: number, out: number, count: number, width: number, segments: number): void;
  segmentSumInt(x: number, ids: number, out: number, count: number, width: number, segments: number): void;

  layerNormForward(
    x: number,
    gain: number,
    bias: number,
    y: number,
    statistics: number,
    rows: number,
    width: number,
    epsilon: number,
  ): void;
  layerNormBackward(
    x: number,
    gain: number,
    statistics: number,
    dy: number,
    dx: number,
    dGain: number,
    dBias: number,
    rows: number,
    width: number,
  ): void;
  groupNormForward(
    x: number,
    gain: number,
    bias: number,
    y: number,
    statistics: number,
    examples: number,
    pixels: number,
    groups: number,
    width: number,
    epsilon: number,
    least: number,
  ): void;
  groupNormBackward(
    x: number,
    gain: number,
    statistics: number,
    dy: number,
    dx: number,
    dGain: number,
    dBias: number,
    scratch: number,
    examples: number,
    pixels: number,
    groups: number,
    width: number,
  ): void;
  geluForward(x: number, y: number, n: number): void;
  geluBackward(x: number, dy: number, dx: number, n: number): void;
  crossEntropyForward(
    logits: number,
    labels: number,
    losses: number,
    probabilities: number,
    rows: number,
    classes: number,
  ): void;
  crossEntropyBackward(
    probabilities: number,
    labels: number,
    dLosses: number,
    dLogits: number,
    rows: number,
    classes: number,
  ): void;
  attentionScratchBytes(context: number): number;
  attentionForward(
    qkv: number,
    out: number,
    weights: number,
    rows: number,
    context: number,
    heads: number,
    depth: number,
    scratch: number,
  ): void;
  attentionBackward(
    qkv: number,
    weights: number,
    dOut: number,
    dQkv: number,
    rows: number,
    context: number,
    heads: number,
    depth: number,
    scratch: number,
  ): void;

  addNormal(sum: number, n: number, words: number, tables: number, deviation: number, factor: number): number;

  sumOfSquares(x: number, n: number): number;
  momentumStep(
    parameter: number,
    gradient: number,
    velocity: number,
    n: number,
    rate: number,
    scale: number,
    momentum: number,
  ): void;
  descentStep(parameter: number, gradient: number, n: number, rate: number): void;
  adamStep(
    parameter: number,
    gradient: number,
    mean: number,
    square: number,
    n: number,
    rate: number,
    scale: number,
    beta1: number,
    fresh1: number,
    beta2: number,
    fresh2: number,
    rootScale: number,
    epsilon: number,
    decay: number,
  ): void;
}
