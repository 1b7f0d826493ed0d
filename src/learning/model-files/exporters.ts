/** All formats that models are written in for other programs. A new one is its descriptor here; what it writes with is imported when it does. */
import type { TaskSpec } from '../../tasks/data/registry.ts';
import type { ModelSpec } from '../../tasks/models/registry.ts';

export interface ExportRequest {
  readonly out: string;
  readonly model: ModelSpec;
  readonly vector: Float32Array;
  /** Null where the model file does not say. */
  readonly task: TaskSpec | null;
  /** What the model file said beside the model. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the run and its end, to be found in the file itself. */
  readonly origin: Readonly<Record<string, unknown>>;
}

export interface Exporter {
  readonly id: string;
  /** What is written, in words that follow its name. */
  readonly what: string;
  /** It scales raw values, and cannot without knowing the task. */
  readonly needsTask: boolean;
  /** Where its card lies. */
  cardOf(out: string): string;
  /** A program of three lines that asks it. */
  use(out: string, takesText: boolean): readonly string[];
  /** @throws ModelFileError for a model that the format cannot say */
  write(request: ExportRequest): Promise<void>;
}

const tfjs: Exporter = {
  id: 'tfjs',
  what: 'for TensorFlow.js (a folder: raw rows in, probabilities out)',
  needsTask: true,
  cardOf: (out) => `${out}/README.md`,
  use: () => [
    "import * as tf from '@tensorflow/tfjs';",
    "const model = await tf.loadLayersModel('https://example.org/model/model.json'); // where you serve this folder",
    'const probabilities = model.predict(tf.tensor([example])); // names of classes: model.getUserDefinedMetadata().starlings',
  ],
  async write({ out, model, vector, task, origin }) {
    const { writeLayersFolder } = await import('./layers-folder.ts');
    await writeLayersFolder(out, model, vector, task!, origin);
  },
};

const safetensors: Exporter = {
  id: 'safetensors',
  what: 'as safetensors (a file of tensors, for whoever builds the network himself)',
  needsTask: false,
  cardOf: (out) => `${out}.md`,
  use: (out) => [
    'from safetensors import safe_open  # pip install safetensors numpy',
    `file = safe_open(${JSON.stringify(out)}, "np")`,
    'tensors = {name: file.get_tensor(name) for name in file.keys()}  # what they are: file.metadata()["starlings"]',
  ],
  async write({ out, model, vector, task, metadata, origin }) {
    const { writeSafetensors } = await import('./safetensors.ts');
    const { usageWhere } = await import('./usage.ts');
    const usage = task && usageWhere(model, task);
    await writeSafetensors(out, model, vector, {
      ...metadata,
      starlings: JSON.stringify({ ...usage, ...origin }),
    });
  },
};

const onnx: Exporter = {
  id: 'onnx',
  what: 'as ONNX (a file: raw rows in, NaN where a value is missing, or bytes of text; probabilities out)',
  needsTask: true,
  cardOf: (out) => `${out}.md`,
  use: (out, takesText) => [
    'import numpy as np, onnxruntime  # pip install onnxruntime',
    `session = onnxruntime.InferenceSession(${JSON.stringify(out)})`,
    ...(takesText
      ? [
          'text = np.frombuffer(b"The ", np.uint8).astype(np.int64)[None]',
          'probabilities, = session.run(None, {"bytes": text})  # of the byte after each of them',
        ]
      : ['probabilities, = session.run(None, {"input": np.asarray([example], np.float32)})']),
  ],
  async write({ out, model, vector, task, origin }) {
    const { writeOnnx } = await import('./onnx/write-onnx.ts');
    await writeOnnx(out, model, vector, task!, origin);
  },
};

/** In the order of the help. */
export const exporters: readonly Exporter[] = [tfjs, safetensors, onnx];
