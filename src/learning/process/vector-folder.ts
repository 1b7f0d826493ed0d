/** Vectors between a node and a trainer: files of little-endian float32 in a folder that their user alone may enter. */
import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { endianness, tmpdir } from 'node:os';
import { join } from 'node:path';
import { littleEndianBytes } from '../initial.ts';
import type { VectorAnswer } from './messages.ts';
import { TrainerAnswerError } from './trainer-error.ts';

/** In memory, where there is such a place. */
const memory = '/dev/shm';

/** Read and hashed at once; in between the node answers its peers. */
const pieceBytes = 4 << 20;

export class VectorFolder {
  readonly path: string;
  #last = 0;

  private constructor(path: string) {
    this.path = path;
  }

  /** mkdtemp makes it with mode 0700. */
  static async make(): Promise<VectorFolder> {
    return new VectorFolder(await mkdtemp(join(parentFolder(), 'starlings-trainer-')));
  }

  /** Returns the name of the file. */
  async write(vector: Float32Array): Promise<string> {
    const name = `in-${++this.#last}`;
    await writeFile(join(this.path, name), littleEndianBytes(vector), { mode: 0o600 });
    return name;
  }

  /** A name that no file has yet. */
  nextOut(): string {
    return `out-${++this.#last}`;
  }

  /** @throws TrainerAnswerError unless the file is one of `size` finite numbers, those whose hash was answered */
  async read(name: string, answer: VectorAnswer, size: number): Promise<Float32Array> {
    if (answer.length !== size) {
      throw new TrainerAnswerError(
        `the trainer answered a vector of ${answer.length} numbers, the model has ${size}`,
      );
    }
    const file = await open(
      join(this.path, name),
      // What it left there may lead elsewhere, or never end.
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    ).catch((error: NodeJS.ErrnoException) => {
      throw new TrainerAnswerError(
        `the trainer answered with a vector that cannot be read (${name}: ${error.code})`,
      );
    });
    try {
      const found = await file.stat();
      if (!found.isFile())
        throw new TrainerAnswerError(`the trainer answered with ${name}, which is no file`);
      if (found.size !== 4 * size) {
        throw new TrainerAnswerError(
          `the trainer answered with a file of ${found.size} bytes, the ${size} numbers of the model take ${4 * size}`,
        );
      }
      const vector = new Float32Array(size);
      const bytes = Buffer.from(vector.buffer);
      const hash = createHash('sha256');
      let allFinite = true;
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, at, Math.min(pieceBytes, bytes.length - at), at);
        if (bytesRead === 0) throw new TrainerAnswerError(`${name} shrank while it was read`);
        hash.update(bytes.subarray(at, at + bytesRead));
        at += bytesRead;
      }
      if (hash.digest('hex') !== answer.sha256) {
        throw new TrainerAnswerError(
          'the vector that the trainer wrote has another SHA-256 than it answered',
        );
      }
      if (endianness() !== 'LE') bytes.swap32();
      for (let at = 0; at < size && allFinite; at++) allFinite = Number.isFinite(vector[at]!);
      if (!allFinite)
        throw new TrainerAnswerError('the vector that the trainer wrote holds numbers that are not finite');
      return vector;
    } finally {
      await file.close();
    }
  }

  async forget(names: readonly string[]): Promise<void> {
    for (const name of names) {
      for (const file of [name, `${name}.tmp`])
        await rm(join(this.path, file), { recursive: true, force: true });
    }
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

function parentFolder(): string {
  try {
    accessSync(memory, constants.W_OK | constants.X_OK);
    return memory;
  } catch {
    return tmpdir();
  }
}
