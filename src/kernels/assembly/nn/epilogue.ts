/** What follows a matrix product in the fused kernels: a bias per column and an activation without curves. */

/** As in `matmul.ts` of the registration. */
const relu: i32 = 1;
const relu6: i32 = 2;

/** rows x columns floats at `x`, in place. `bias` (columns) may be 0 for none. */
export function addBiasActivate(x: usize, bias: usize, rows: i32, columns: i32, activation: i32): void {
  const low = f32x4.splat(activation === 0 ? -Infinity : 0);
  const high = f32x4.splat(activation === relu6 ? 6 : Infinity);
  const isBounded = activation === relu || activation === relu6;
  for (let row = 0; row < rows; row++) {
    let b = bias;
    let column = 0;
    for (; column + 4 <= columns; column += 4, x += 16, b += 16) {
      let value = v128.load(x);
      if (bias !== 0) value = f32x4.add(value, v128.load(b));
      if (isBounded) value = f32x4.min(f32x4.max(value, low), high);
      v128.store(x, value);
    }
    for (; column < columns; column++, x += 4, b += 4) {
      let value = load<f32>(x);
      if (bias !== 0) value += load<f32>(b);
      if (isBounded) value = min(max(value, <f32>0), activation === relu6 ? <f32>6 : <f32>Infinity);
      store<f32>(x, value);
    }
  }
}

/** dx = dy where y, the result of a ReLU, lies inside its bounds, else 0, over `n` floats. */
export function reluBackward(y: usize, dy: usize, dx: usize, n: i32, isRelu6: i32): void {
  const zero = f32x4.splat(0);
  const most: f32 = isRelu6 ? 6 : Infinity;
  const high = f32x4.splat(most);
  const whole = (<usize>(n & ~3)) << 2;
  for (let at: usize = 0; at < whole; at += 16) {
    const value = v128.load(y + at);
    const inside = v128.and(f32x4.gt(value, zero), f32x4.lt(value, high));
    v128.store(dx + at, v128.and(v128.load(dy + at), inside));
  }
  for (let at = whole; at < (<usize>n) << 2; at += 4) {
    const value = load<f32>(y + at);
    store<f32>(dx + at, value > 0 && value < most ? load<f32>(dy + at) : 0);
  }
}

/** sums[c] = sum over the rows, from the first on, of x[row][c]. */
export function columnSums(x: usize, sums: usize, rows: i32, columns: i32): void {
  const down = (<usize>columns) << 2;
  let c = 0;
  for (; c + 16 <= columns; c += 16, x += 64, sums += 64) {
    let a = f32x4.splat(0);
    let b = f32x4.splat(0);
    let d = f32x4.splat(0);
    let e = f32x4.splat(0);
    let from = x;
    for (let row = 0; row < rows; row++, from += down) {
      a = f32x4.add(a, v128.load(from));
      b = f32x4.add(b, v128.load(from, 16));
      d = f32x4.add(d, v128.load(from, 32));
      e = f32x4.add(e, v128.load(from, 48));
    }
    v128.store(sums, a);
    v128.store(sums, b, 16);
    v128.store(sums, d, 32);
    v128.store(sums, e, 48);
  }
  for (; c < columns; c++, x += 4, sums += 4) {
    let sum: f32 = 0;
    let from = x;
    for (let row = 0; row < rows; row++, from += down) sum += load<f32>(from);
    store<f32>(sums, sum);
  }
}
