/** Counts the work of a training step from what TensorFlow.js's profiler saw. */

export interface ProfiledKernel {
  readonly name: string;
  readonly inputShapes: readonly (readonly number[] | null)[];
  readonly outputShapes: readonly (readonly number[])[];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Multiplications and additions of the matrix products within a kernel; 0 for kernels without. */
export function productFlops({ name, inputShapes, outputShapes }: ProfiledKernel): number {
  const [a, b] = inputShapes as [readonly number[], readonly number[]];
  const out = outputShapes[0]!;
  switch (name) {
    case 'BatchMatMul':
    case '_FusedMatMul':
    case 'starlings.Dense':
      // (rows depth)(depth columns)(rows columns) is the square of rows depth columns.
      return 2 * Math.sqrt(sizeOf(a) * sizeOf(b) * sizeOf(out));
    case 'Conv2D':
    case 'starlings.Convolution':
      return (2 * sizeOf(out) * sizeOf(b)) / b.at(-1)!;
    case 'Conv2DBackpropFilter':
      return (2 * sizeOf(b) * sizeOf(out)) / out.at(-1)!;
    case 'Conv2DBackpropInput':
      return (2 * sizeOf(a) * sizeOf(b)) / b.at(-1)!;
    case 'starlings.Attention': {
      const [rows, heads, context] = outputShapes[1] as [number, number, number];
      return 2 * 2 * rows * heads * context ** 2 * (out[1]! / heads);
    }
    case 'starlings.AttentionBackward': {
      const [rows, heads, context] = inputShapes[1] as [number, number, number];
      return 4 * 2 * rows * heads * context ** 2 * (out[1]! / 3 / heads);
    }
    default:
      return 0;
  }
}
