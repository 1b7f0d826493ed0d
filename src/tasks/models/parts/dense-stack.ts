/**
 * Widths (inputs, hidden..., outputs) of the stack of dense layers whose tensors have these shapes: `dense_0/kernel` of inputs x
 * units, `dense_1/kernel`, ... Null where there is no such stack.
 */
export function denseWidthsOf(shapes: ReadonlyMap<string, readonly number[]>): number[] | null {
  const widths: number[] = [];
  for (let index = 0; shapes.has(`dense_${index}/kernel`); index++) {
    const [inputs, units] = shapes.get(`dense_${index}/kernel`)!;
    if (units === undefined) return null;
    widths.push(...(index === 0 ? [inputs!] : []), units);
  }
  return widths.length === 0 ? null : widths;
}
