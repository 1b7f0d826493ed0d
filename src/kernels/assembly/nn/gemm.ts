/** y += x over `n` float32. */
export function addInto(y: usize, x: usize, n: i32): void {
  const end = x + ((<usize>n) << 2);
  while (x < end) {
    store<f32>(y, load<f32>(y) + load<f32>(x));
    x += 4;
    y += 4;
  }
}
