/**
 * Model files in the safetensors format (Hugging Face, format specification of the safetensors repository): an
 * 8-byte little-endian header length, a JSON header, then the tensors without gaps. Nothing in it is executed.
 */
import { type FileHandle, open } from 'node:fs/promises';
import * as z from 'zod';
import { writeFileAtomically } from '../../platform/node/atomic-file.ts';
import { checkLength, modelLayout } from '../../tasks/models/model-layout.ts';
import { type ModelSpec, modelKindOf, modelKinds, modelSchema } from '../../tasks/models/registry.ts';
import { littleEndianBytes, vectorOfLittleEndian } from '../initial.ts';
import { ModelFileError } from '../learning-error.ts';

export interface SafetensorsModel {
  readonly model: ModelSpec;
  readonly vector: Float32Array;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A longer header is refused before it is read; the 580 tensors of a GPT of 48 layers take 60 KiB. */
const safetensorsHeaderBytesMax = 1 << 20;
/** A longer file is refused before it is read: 500 million parameters. */
const safetensorsFileBytesMax = 2 ** 31;

/** The metadatum that describes the model. */
const modelKey = 'model';

const offset = z.int().min(0).max(safetensorsFileBytesMax);
const tensorSchema = z.strictObject({
  dtype: z.literal('F32'),
  shape: z
    .array(
      z
        .int()
        .min(1)
        .max(safetensorsFileBytesMax / 4),
    )
    .min(1)
    .max(4),
  data_offsets: z.tuple([offset, offset]),
});
type TensorHeader = z.infer<typeof tensorSchema>;
const headerSchema = z
  .object({ __metadata__: z.record(z.string(), z.string()).optional() })
  .catchall(tensorSchema);

/**
 * Writes `vector` as the tensors of `modelLayout` (`dense_0/kernel` of inputs x units, `dense_0/bias`, ...), and the
 * model's description as the metadatum `model`; the file appears whole or not at all.
 * @throws RangeError where the vector is not the model's.
 */
export async function writeSafetensors(
  file: string,
  model: ModelSpec,
  vector: Float32Array,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  checkLength(model, vector);
  const header: Record<string, unknown> = {
    __metadata__: { ...metadata, [modelKey]: JSON.stringify(model) },
  };
  for (const [name, { shape, from, to }] of expectedTensors(model)) {
    header[name] = { dtype: 'F32', shape, data_offsets: [from, to] };
  }
  // The format asks for data at a multiple of 8 and allows spaces after the JSON.
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  padded.set(json);
  if (padded.length > safetensorsHeaderBytesMax) {
    throw new RangeError(
      `the metadata makes a header of ${padded.length} bytes, more than ${safetensorsHeaderBytesMax}`,
    );
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await writeFileAtomically(file, [length, padded, littleEndianBytes(vector)]);
}

/**
 * Reads a file as `writeSafetensors` makes them, in any order of tensors; without a description of the model its
 * tensors must tell it, or `expected` does, whatever the file says. @throws ModelFileError
 */
export async function readSafetensors(
  file: string,
  expected: ModelSpec | null = null,
): Promise<SafetensorsModel> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new ModelFileError(
      `${file}: expected a model file, but it cannot be opened (${error.code}); check the path`,
    );
  });
  try {
    const info = await handle.stat();
    if (!info.isFile())
      throw new ModelFileError(`${file}: expected a model file, and this is none; check the path`);
    const { size } = info;
    if (size < 8 || size > safetensorsFileBytesMax) {
      throw new ModelFileError(`${file}: expected 8 to ${safetensorsFileBytesMax} bytes, found ${size}`);
    }
    const headerBytes = (await readAt(handle, file, 0, 8)).readBigUInt64LE();
    if (headerBytes > BigInt(Math.min(safetensorsHeaderBytesMax, size - 8))) {
      throw new ModelFileError(
        `${file}: this is no safetensors file, or it is cut short: its first bytes claim a header of ${headerBytes} bytes, it has ${size}`,
      );
    }
    const header = parseHeader(await readAt(handle, file, 8, Number(headerBytes)), file);
    const bodyAt = 8 + Number(headerBytes);
    const { [modelKey]: described, ...metadata } = header.metadata;
    const { model, order } = layout(header.tensors, expected ?? described, size - bodyAt, file);
    const body = await readAt(handle, file, bodyAt, size - bodyAt);
    return { model, vector: vectorOfLittleEndian(inModelOrder(body, order)), metadata };
  } finally {
    await handle.close();
  }
}

/** Name, shape and byte offsets of each tensor in the flat vector's order. */
function expectedTensors(model: ModelSpec): Map<string, { shape: number[]; from: number; to: number }> {
  const tensors = new Map<string, { shape: number[]; from: number; to: number }>();
  for (const { name, shape, at, length } of modelLayout(model)) {
    tensors.set(name, { shape: [...shape], from: 4 * at, to: 4 * (at + length) });
  }
  return tensors;
}

interface Header {
  readonly metadata: Record<string, string>;
  readonly tensors: ReadonlyMap<string, TensorHeader>;
}

function parseHeader(bytes: Buffer, file: string): Header {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new ModelFileError(`${file}: its header is no JSON: this is not a safetensors file`);
  }
  const parsed = headerSchema.safeParse(json);
  if (!parsed.success) {
    throw new ModelFileError(
      `${file}: its header is not that of float32 tensors: ${firstProblem(parsed.error)}`,
    );
  }
  const { __metadata__: metadata = {}, ...rest } = parsed.data;
  return { metadata, tensors: new Map(Object.entries(rest)) };
}

/** Checks shapes and offsets against the body's length; returns the model and the byte ranges in its order. */
function layout(
  tensors: ReadonlyMap<string, TensorHeader>,
  described: ModelSpec | string | undefined,
  bodyBytes: number,
  file: string,
): { model: ModelSpec; order: readonly (readonly [number, number])[] } {
  const ranges = [...tensors].sort((a, b) => a[1].data_offsets[0] - b[1].data_offsets[0]);
  let end = 0;
  for (const [name, { shape, data_offsets }] of ranges) {
    const bytes = 4 * shape.reduce((product, dimension) => product * dimension, 1);
    if (data_offsets[0] !== end || data_offsets[1] !== end + bytes) {
      throw new ModelFileError(
        `${file}: expected tensor ${brief(name)} at bytes ${end} to ${end + bytes}, found ${data_offsets.join(' to ')}`,
      );
    }
    end += bytes;
  }
  if (end !== bodyBytes) {
    throw new ModelFileError(
      `${file}: expected ${end} bytes of tensors, found ${bodyBytes}: the file is truncated or too long`,
    );
  }
  const model =
    typeof described === 'string'
      ? describedModel(described, file)
      : (described ?? modelOfTensors(tensors, file));
  const order = [...expectedTensors(model)].map(([name, { shape }]) => {
    const found = tensors.get(name);
    if (found === undefined || found.shape.join() !== shape.join()) {
      const instead = found === undefined ? 'found none of that name' : `found ${found.shape.join(' x ')}`;
      throw new ModelFileError(`${file}: expected tensor ${name} of shape ${shape.join(' x ')}, ${instead}`);
    }
    return found.data_offsets;
  });
  if (order.length !== tensors.size) {
    throw new ModelFileError(`${file}: expected ${order.length} tensors, found ${tensors.size}`);
  }
  return { model, order };
}

function describedModel(described: string, file: string): ModelSpec {
  let json: unknown;
  try {
    json = JSON.parse(described);
  } catch {
    throw new ModelFileError(`${file}: the metadatum model is no JSON`);
  }
  const parsed = modelSchema.safeParse(json);
  if (!parsed.success) {
    throw new ModelFileError(`${file}: the metadatum model describes none: ${firstProblem(parsed.error)}`);
  }
  return possible(parsed.data, file);
}

/** Of as many as a file of a stranger has, and as long as they are. */
function firstProblem({ issues }: z.ZodError): string {
  const [{ path, message }] = issues as [z.core.$ZodIssue];
  return brief(`${message} at ${path.map(String).join('.')}`);
}

function brief(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

/** A description is a stranger's claim: what it says together must be a model too. */
function possible(model: ModelSpec, file: string): ModelSpec {
  const wrong = modelKindOf(model).impossible?.(model) ?? null;
  if (wrong === null) return model;
  throw new ModelFileError(
    `${file}: the metadatum model describes none: ${wrong.path.join('.')} ${wrong.message}`,
  );
}

/** Where nothing describes the model: the first kind that these tensors alone tell. */
function modelOfTensors(tensors: ReadonlyMap<string, TensorHeader>, file: string): ModelSpec {
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  for (const kind of modelKinds) {
    const model = kind.ofTensors?.(shapes);
    // Names and shapes are a stranger's claim: what they make must be a model.
    const parsed = modelSchema.safeParse(model ?? undefined);
    if (parsed.success) return parsed.data;
  }
  throw new ModelFileError(
    `${file}: nothing says which model this is: expected tensors dense_0/kernel (inputs x units), dense_0/bias, ... or the metadatum ${modelKey}`,
  );
}

function inModelOrder(body: Buffer, order: readonly (readonly [number, number])[]): Buffer {
  return Buffer.concat(order.map(([from, to]) => body.subarray(from, to)));
}

async function readAt(handle: FileHandle, file: string, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) {
      throw new ModelFileError(`${file}: expected ${position + length} bytes, found ${position + done}`);
    }
    done += bytesRead;
  }
  return buffer;
}
