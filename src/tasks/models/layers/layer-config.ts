/** The config of one layer in a `model.json`, as Keras 2, Keras 3 and TensorFlow.js write it. */
import { type ActivationName, activationNames, type Pair } from './layer-kind.ts';

/** A file that is no model of layers that a run can have, with one sentence that says what to do. */
export class LayersFileError extends Error {
  override readonly name = 'LayersFileError';
  readonly code = 'BAD_LAYERS_FILE';
}

/** Change nothing in what the layer computes. */
const harmless = new Set([
  ...[
    'name',
    'dtype',
    'sparse',
    'ragged',
    'seed',
    'noise_shape',
    'build_config',
    'input_shape',
    'batch_size',
  ],
  ...[
    'batch_input_shape',
    'batch_shape',
    'bias_initializer',
    'beta_initializer',
    'gamma_initializer',
    'optional',
  ],
]);

/** What Keras calls them. */
const activationsOfKeras: Readonly<Record<string, ActivationName>> = {
  ...Object.fromEntries(activationNames.map((name) => [name, name])),
  gelu_new: 'gelu-tanh',
  swish: 'silu',
};

/** Fan-in and fan-out of a kernel. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

export class LayerConfig {
  /** `conv2d_1 (Conv2D)` */
  readonly #layer: string;
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();
  #endsInSigmoid = false;
  /** What makes probabilities of the last layer's values is the loss's. */
  readonly #isLast: boolean;

  constructor(layer: string, config: Readonly<Record<string, unknown>>, isLast: boolean) {
    this.#layer = layer;
    this.#config = config;
    this.#isLast = isLast;
  }

  /** Whether it is the last layer, and a sigmoid that only the loss knows was left out. */
  get endsInSigmoid(): boolean {
    return this.#endsInSigmoid;
  }

  fail(message: string): never {
    throw new LayersFileError(`layer ${this.#layer}: ${message}`);
  }

  get(field: string): unknown {
    this.#read.add(field);
    return this.#config[field] ?? undefined;
  }

  count(field: string, otherwise?: number): number {
    const value = this.get(field) ?? otherwise;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
    return this.fail(`${field} must be a whole number of at least 1`);
  }

  number(field: string, otherwise: number): number {
    const value = this.get(field) ?? otherwise;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return this.fail(`${field} must be a number`);
  }

  flag(field: string, otherwise: boolean): boolean {
    const value = this.get(field) ?? otherwise;
    return typeof value === 'boolean' ? value : this.fail(`${field} must be true or false`);
  }

  /** A number stands for both. */
  pair(field: string, otherwise?: Pair): Pair {
    const value = this.get(field) ?? otherwise;
    const both = Array.isArray(value) ? value : [value, value];
    if (both.length === 2 && both.every((each) => Number.isInteger(each) && each >= 1)) return both as Pair;
    return this.fail(`${field} must be a whole number of at least 1, or two of them`);
  }

  /** @throws LayersFileError where the field says anything else. */
  only(field: string, value: string | number | boolean, advice: string): void {
    const given = this.get(field);
    if (given !== undefined && given !== value) {
      this.fail(`${field} ${briefly(given)} is not possible here: ${advice}`);
    }
  }

  padding(): 'same' | 'valid' {
    const value = this.get('padding') ?? 'valid';
    return value === 'same' || value === 'valid' ? value : this.fail('padding must be same or valid');
  }

  activation(field = 'activation'): ActivationName {
    const given = this.get(field) ?? 'linear';
    const name = typeof given === 'string' ? given : textOf((given as { class_name?: unknown }).class_name);
    if (name === 'softmax') {
      if (this.#isLast) return 'linear';
      this.fail('softmax is for the last layer alone: use relu, tanh or another activation');
    }
    if (name === 'sigmoid' && this.#isLast) {
      this.#endsInSigmoid = true;
      return 'linear';
    }
    const known = Object.hasOwn(activationsOfKeras, name) ? activationsOfKeras[name] : undefined;
    return (
      known ??
      this.fail(`activation ${name.slice(0, 40)} is not known here: use one of ${activationNames.join(', ')}`)
    );
  }

  /** Standard deviation of the start values; Keras's normal and truncated ones become uniform ones. */
  deviation(field: string, { fanIn, fanOut }: Fans, otherwise = 'glorot_uniform'): number {
    const given = this.get(field) ?? otherwise;
    const { class_name: className, config: constants } = (
      typeof given === 'string' ? { class_name: given } : given
    ) as { class_name?: unknown; config?: Readonly<Record<string, unknown>> | null };
    const config = constants ?? {};
    const kind = textOf(className).replaceAll('_', '').toLowerCase();
    const of = (name: string, otherwise: number) => {
      const value = config[name] ?? otherwise;
      return typeof value === 'number' && Number.isFinite(value)
        ? value
        : this.fail(`${field}: ${name} must be a number`);
    };
    const mode =
      { fanin: fanIn, fanout: fanOut }[textOf(config['mode']).replaceAll(/[_A-Z]/g, '')] ??
      (fanIn + fanOut) / 2;
    if (/^zeros$/.test(kind)) return 0;
    // Of rows or columns of length 1, whichever are fewer.
    if (kind === 'orthogonal') return of('gain', 1) / Math.sqrt(Math.max(fanIn, fanOut));
    if (/^glorot(uniform|normal)$/.test(kind)) return Math.sqrt(2 / (fanIn + fanOut));
    if (/^he(uniform|normal)$/.test(kind)) return Math.sqrt(2 / fanIn);
    if (/^lecun(uniform|normal)$/.test(kind)) return Math.sqrt(1 / fanIn);
    if (kind === 'variancescaling') return Math.sqrt(of('scale', 1) / mode);
    if (/^(random|truncated)normal$/.test(kind) && of('mean', 0) === 0) return of('stddev', 0.05);
    if (kind === 'randomuniform' && of('minval', -0.05) === -of('maxval', 0.05))
      return of('maxval', 0.05) / Math.sqrt(3);
    return this.fail(
      `${field} ${textOf(className).slice(0, 40)} is not possible here: use glorot_uniform or he_uniform`,
    );
  }

  /** @throws LayersFileError where something is said that would change what the layer computes, and that nobody read. */
  checkAllRead(): void {
    if (this.#config['trainable'] === false) {
      this.fail('it is not trainable, but peers train all layers: set trainable to true');
    }
    for (const [field, value] of Object.entries(this.#config)) {
      if (this.#read.has(field) || harmless.has(field) || field === 'trainable') continue;
      if (value === null || value === undefined || value === false) continue;
      if (/_regularizer$/.test(field)) {
        this.fail(`it has a ${field}: remove it, and give the run's optimiser adamw a weightDecay`);
      }
      this.fail(`${field.slice(0, 40)} is not known here: leave it out`);
    }
    for (const field of ['bias_initializer', 'beta_initializer']) this.#startsWith(field, 'zeros');
    this.#startsWith('gamma_initializer', 'ones');
  }

  #startsWith(field: string, wanted: string): void {
    const given = this.#config[field] ?? wanted;
    const name = typeof given === 'string' ? given : (given as { class_name?: unknown }).class_name;
    if (textOf(name).toLowerCase() !== wanted) this.fail(`${field} must be ${wanted}`);
  }
}

/** As a sentence can hold it, however large it is. */
function briefly(value: unknown): string {
  const isPlain = typeof value !== 'object' || value === null;
  return isPlain ? (JSON.stringify(value)?.slice(0, 40) ?? '') : textOf(value);
}

/** What a file says in a place for a word; values that are none become one that nothing is called. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : `of the kind ${typeof value}`;
}
