/** Cross-entropy of a softmax. */
import { bytesOf, exponentials, largestOf, loadPart, scale, storePart } from './lanes.ts';

/** ln(x) of a finite x >= 1, or not a number: the series of fdlibm's e_log.c (Sun Microsystems, 1993). */
function logarithm(x: f64): f64 {
  if (!(x >= 1)) return NaN;
  const bits = reinterpret<u64>(x);
  let power = <i32>(bits >> 52) - 1023;
  let fraction = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (fraction > 1.4142135623730951) {
    fraction *= 0.5;
    power += 1;
  }
  const f = fraction - 1;
  const s = f / (2 + f);
  const z = s * s;
  let series: f64 = 0.14798198605116586;
  series = series * z + 0.15313837699209373;
  series = series * z + 0.1818357216161805;
  series = series * z + 0.22222198432149784;
  series = series * z + 0.2857142874366239;
  series = series * z + 0.3999999999940942;
  series = series * z + 0.6666666666666735;
  const half = 0.5 * f * f;
  return <f64>power * 0.6931471805599453 + (f - (half - s * (half + z * series)));
}

/**
 * For each of `rows` rows of logits the loss -ln softmax(logits)[label], and the softmax itself. A label that is no
 * class counts as a logit equal to the largest one, which reads no other memory.
 */
export function crossEntropyForward(
  logits: usize,
  labels: usize,
  losses: usize,
  probabilities: usize,
  rows: i32,
  classes: i32,
): void {
  for (let row: i32 = 0; row < rows; row++) {
    const largest = largestOf(logits, classes);
    const label = load<i32>(labels);
    const sum = exponentials(logits, probabilities, classes, largest, 1);
    scale(probabilities, classes, <f32>1 / sum);
    const above = <u32>label < <u32>classes ? <f64>largest - <f64>load<f32>(logits + bytesOf(label)) : 0;
    store<f32>(losses, <f32>(logarithm(<f64>sum) + above));
    logits += bytesOf(classes);
    probabilities += bytesOf(classes);
    labels += 4;
    losses += 4;
  }
}

/** Gradient by the logits: (softmax - one at the label) * dLoss of the row. */
export function crossEntropyBackward(
  probabilities: usize,
  labels: usize,
  dLosses: usize,
  dLogits: usize,
  rows: i32,
  classes: i32,
): void {
  const whole = bytesOf(classes & ~3);
  const rest = classes & 3;
  for (let row: i32 = 0; row < rows; row++) {
    const change = load<f32>(dLosses);
    const changes = f32x4.splat(change);
    for (let at: usize = 0; at < whole; at += 16) {
      v128.store(dLogits + at, f32x4.mul(v128.load(probabilities + at), changes));
    }
    if (rest) {
      storePart(dLogits + whole, f32x4.mul(loadPart(probabilities + whole, rest), changes), rest);
    }
    const label = load<i32>(labels);
    if (<u32>label < <u32>classes) {
      const at = bytesOf(label);
      store<f32>(dLogits + at, (load<f32>(probabilities + at) - 1) * change);
    }
    probabilities += bytesOf(classes);
    dLogits += bytesOf(classes);
    labels += 4;
    dLosses += 4;
  }
}
