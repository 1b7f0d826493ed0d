/** Sum of squares of `n` float32 at `x`, in float64. */
export function squaredNorm(x: usize, n: i32): f64 {
  let sum: f64 = 0;
  const end = x + ((<usize>n) << 2);
  while (x < end) {
    const value = <f64>load<f32>(x);
    sum += value * value;
    x += 4;
  }
  return sum;
}
