import type { ExampleSize } from '../../example-form.ts';
import type { Starter } from '../model-kind.ts';

/** The least side that `imageFields` take. */
const sideMin = 16;

interface ImageModel<Kind> {
  readonly kind: Kind;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outputs: number;
}

/** Of the kinds that `imageFields` describe. */
export function imageStarter<Kind extends string>(
  kind: Kind,
  { shape, outputs }: ExampleSize,
): Starter<ImageModel<Kind>> | null {
  const [height = 0, width = 0, channels = 0] = shape;
  if (shape.length !== 3 || height < sideMin || width < sideMin) return null;
  return {
    model: { kind, height, width, channels, outputs },
    training: { localSteps: 10, batchSize: 16, learningRate: 0.05 },
    rounds: 100,
    slotMs: 2000,
  };
}
