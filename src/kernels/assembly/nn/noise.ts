/** Normal noise: the part of a ziggurat that nearly every number falls into. */

/**
 * sum[i] <- (sum[i] + deviation * normal) * factor for n float32 by as many random words of 64 bits, in doubles; returns how many were
 * done, for it stops at the first word that falls outside of what `tables` (128 right edges, 128 ratios to the layer above) cover.
 */
export function addNormal(sum: usize, n: i32, words: usize, tables: usize, deviation: f64, factor: f64): i32 {
  for (let done = 0; done < n; done++) {
    const word = load<i64>(words + ((<usize>done) << 3));
    const place = (<f64>(word >> 11) + 0.5) * 2.220446049250313e-16;
    const layer = tables + ((<usize>(word & 127)) << 3);
    if (abs(place) >= load<f64>(layer, 1024)) return done;
    const at = sum + ((<usize>done) << 2);
    store<f32>(at, <f32>((<f64>load<f32>(at) + deviation * place * load<f64>(layer)) * factor));
  }
  return n;
}
