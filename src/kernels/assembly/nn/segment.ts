/**
 * out[ids[i]] += x[i] for `count` rows of `width` numbers, in ascending order of i; rows of out that nobody names are 0.
 * An id below 0 or not below `segments` is passed over, as TensorFlow does.
 */
export function segmentSum(x: usize, ids: usize, out: usize, count: i32, width: i32, segments: i32): void {
  const row = (<usize>width) << 2;
  const blocks = (<usize>(width & ~3)) << 2;
  memory.fill(out, 0, row * <usize>segments);
  for (let i = 0; i < count; i++, x += row, ids += 4) {
    const id = load<i32>(ids);
    if (id < 0 || id >= segments) continue;
    const to = out + row * <usize>id;
    let at: usize = 0;
    for (; at < blocks; at += 16) v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(x + at)));
    for (; at < row; at += 4) store<f32>(to + at, load<f32>(to + at) + load<f32>(x + at));
  }
}

/** The same of int32, which wrap around. */
export function segmentSumInt(x: usize, ids: usize, out: usize, count: i32, width: i32, segments: i32): void {
  const row = (<usize>width) << 2;
  memory.fill(out, 0, row * <usize>segments);
  for (let i = 0; i < count; i++, x += row, ids += 4) {
    const id = load<i32>(ids);
    if (id < 0 || id >= segments) continue;
    const to = out + row * <usize>id;
    for (let at: usize = 0; at < row; at += 4) store<i32>(to + at, load<i32>(to + at) + load<i32>(x + at));
  }
}
