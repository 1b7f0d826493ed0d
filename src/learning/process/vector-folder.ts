/** Vectors between a node and a trainer: files of little-endian float32 in a folder that their user alone may enter. */
import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { endianness, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFully } from '../../platform/node/read-fully.ts';
import { littleEndianBytes } from '../initial.ts';
import type { VectorAnswer } from './messages.ts';
import { TrainerAnswerError } from './trainer-error.ts';

/** In memory, where there is such a place. */
const memory = '/dev/shm';

/** Read and hashed at once. */
const pieceBytes = 4 << 20;

/** Where the trainer writes its answer. */
export const outFile = 'out';

export class VectorFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** mkdtemp makes it with mode 0700. */
  static async make(): Promise<VectorFolder> {
    return new VectorFolder(await mkdtemp(join(parentFolder(), 'starlings-trainer-')));
  }

  /** The names of the files. They are written over by the next call: memory that is there need not be asked for again. */
  async write(vectors: readonly Float32Array[]): Promise<string[]> {
    const names = vectors.map((_, index) => `in-${index}`);
    for (const [index, vector] of vectors.entries()) {
      const path = join(this.path, names[index]!);
      const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
      try {
        await writeFully(file, littleEndianBytes(vector));
        await file.truncate(vector.byteLength);
      } finally {
        await file.close();
      }
    }
    return names;
  }

  /** @throws TrainerAnswerError unless the file is one of `size` finite numbers, those whose hash was answered */
  async read(answer: VectorAnswer, size: number): Promise<Float32Array> {
    try {
      return await this.#readOut(answer, size);
    } catch (error) {
      await this.discardOut();
      throw error;
    }
  }

  /** What was left there may be no file: the next answer would go where it leads. */
  async discardOut(): Promise<void> {
    await rm(join(this.path, outFile), { recursive: true, force: true });
  }

  async #readOut(answer: VectorAnswer, size: number): Promise<Float32Array> {
    if (answer.length !== size) {
      throw new TrainerAnswerError(
        `the trainer answered a vector of ${answer.length} numbers, the model has ${size}`,
      );
    }
    const file = await open(
      join(this.path, outFile),
      // What it left there may lead elsewhere, or never end.
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    ).catch((error: NodeJS.ErrnoException) => {
      throw new TrainerAnswerError(`the trainer answered with a vector that cannot be read (${error.code})`);
    });
    try {
      const found = await file.stat();
      if (!found.isFile())
        throw new TrainerAnswerError('the trainer answered with something that is no file');
      if (found.size !== 4 * size) {
        throw new TrainerAnswerError(
          `the trainer answered with a file of ${found.size} bytes, the ${size} numbers of the model take ${4 * size}`,
        );
      }
      const vector = new Float32Array(size);
      const { sha256, allFinite } = await readVector(file, vector);
      if (sha256 !== answer.sha256) {
        throw new TrainerAnswerError(
          'the vector that the trainer wrote has another SHA-256 than it answered',
        );
      }
      if (!allFinite)
        throw new TrainerAnswerError('the vector that the trainer wrote holds numbers that are not finite');
      return vector;
    } finally {
      await file.close();
    }
  }

  /** Of what several vectors were given in, one is kept. */
  async forget(names: readonly string[]): Promise<void> {
    for (const name of names.slice(1)) await rm(join(this.path, name), { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** One piece is read, in a thread, while the one before is hashed; in between the node answers its peers. */
async function readVector(
  file: FileHandle,
  vector: Float32Array,
): Promise<{ readonly sha256: string; readonly allFinite: boolean }> {
  const bytes = Buffer.from(vector.buffer);
  const hash = createHash('sha256');
  let allFinite = true;
  let reading = readPiece(file, bytes, 0);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    const bytesRead = await reading;
    if (bytesRead < piece.length) {
      throw new TrainerAnswerError('the vector that the trainer wrote shrank while it was read');
    }
    reading = readPiece(file, bytes, at + pieceBytes);
    hash.update(piece);
    if (endianness() !== 'LE') piece.swap32();
    const last = Math.min(vector.length, (at + pieceBytes) / 4);
    // `every` takes ten times as long.
    for (let index = at / 4; index < last && allFinite; index++) allFinite = Number.isFinite(vector[index]!);
  }
  await reading;
  return { sha256: hash.digest('hex'), allFinite };
}

function readPiece(file: FileHandle, bytes: Buffer, at: number): Promise<number> {
  return readFully(file, bytes.subarray(at, at + pieceBytes), at);
}

async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten;
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
