/** A blob of known root and size as a file of its own: whole, or in the making as segments come in. */
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { leafHash, merkleRoot, segmentBytesMax, segmentCount } from '../../content/blob.ts';
import { encodeHeld } from '../../content/held-segments.ts';
import { bytesToHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { makeDirectory } from './make-directory.ts';
import { readFully } from './read-fully.ts';

/** About ten milliseconds of hashing. */
const segmentsPerTurn = 16;

export interface BlobId {
  /** Merkle root in hex. */
  readonly root: string;
  readonly bytes: number;
}

/** Of what a file holds. @throws system errors */
export async function blobIdOf(path: string, crypto: Crypto): Promise<BlobId> {
  const handle = await open(path, 'r');
  try {
    const leaves: Uint8Array[] = [];
    const { size } = await handle.stat();
    for (let index = 0; index < segmentCount(size); index++) {
      const segment = new Uint8Array(Math.min(segmentBytesMax, size - index * segmentBytesMax));
      const length = await readFully(handle, segment, index * segmentBytesMax);
      leaves.push(leafHash(crypto, segment.subarray(0, length)));
      if (index % segmentsPerTurn === segmentsPerTurn - 1) await nextTurn();
    }
    return { root: bytesToHex(merkleRoot(crypto, leaves)), bytes: size };
  } finally {
    await handle.close();
  }
}

/** Where a blob is in the making. */
export function partOf(path: string): string {
  return `${path}.part`;
}

/** Never more than one segment of it is in memory. */
export class BlobFile {
  readonly #path: string;
  readonly #blob: BlobId;
  readonly #crypto: Crypto;
  #handle: FileHandle | null = null;
  #leaves: readonly Uint8Array[] | null = null;
  /** Segments that are here and are what they should be. */
  #held = new Set<number>();
  #isWhole = false;

  /** `path` is where it is once it is whole; until then it has the ending `.part`. */
  constructor(path: string, blob: BlobId, crypto: Crypto) {
    this.#path = path;
    this.#blob = blob;
    this.#crypto = crypto;
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  get bytes(): number {
    return this.#blob.bytes;
  }

  get segments(): number {
    return segmentCount(this.#blob.bytes);
  }

  /** Takes up what is at the path where it is the blob, to the bit; what is there else is removed. */
  async openWhole(): Promise<boolean> {
    const found = await stat(this.#path).catch(() => null);
    if (found === null) return false;
    if (found.isFile() && found.size === this.#blob.bytes) {
      const handle = await open(this.#path, 'r');
      const leaves = await this.#hashes(handle);
      if (bytesToHex(merkleRoot(this.#crypto, leaves)) === this.#blob.root) {
        this.#handle = handle;
        this.#leaves = leaves;
        this.#held = new Set(leaves.keys());
        this.#isWhole = true;
        return true;
      }
      await handle.close();
    }
    await rm(this.#path, { force: true });
    return false;
  }

  /** With leaves that belong to the root: the segments that are not here yet, after what an earlier process had got. */
  async openPart(leaves: readonly Uint8Array[]): Promise<number[]> {
    makeDirectory(dirname(this.#path));
    const part = partOf(this.#path);
    const isThere = (await stat(part).catch(() => null))?.isFile() ?? false;
    this.#handle = await open(part, isThere ? 'r+' : 'w+');
    this.#leaves = leaves;
    if (isThere) {
      const size = (await this.#handle.stat()).size;
      if (size > this.#blob.bytes) await this.#handle.truncate(this.#blob.bytes);
    }
    const found = isThere ? await this.#hashes(this.#handle) : [];
    const isHere = (leaf: Uint8Array, index: number): boolean =>
      found[index] !== undefined && Buffer.compare(found[index], leaf) === 0;
    this.#held = new Set([...leaves.keys()].filter((index) => isHere(leaves[index]!, index)));
    return [...leaves.keys()].filter((index) => !this.#held.has(index));
  }

  /** Writes a segment in its place, where it is the blob's; `other-length`: the root is right, and what we were told of its length is not. */
  async write(index: number, segment: Uint8Array): Promise<'written' | 'other' | 'other-length' | 'closed'> {
    const leaf = this.#leaves?.[index];
    if (this.#handle === null) return 'closed';
    if (leaf === undefined || Buffer.compare(leafHash(this.#crypto, segment), leaf) !== 0) return 'other';
    if (segment.length !== this.#lengthOf(index)) return 'other-length';
    for (let done = 0; done < segment.length; ) {
      const rest = segment.subarray(done);
      done += (await this.#handle.write(rest, 0, rest.length, index * segmentBytesMax + done)).bytesWritten;
    }
    this.#held.add(index);
    return 'written';
  }

  /** Once all segments are written: it survives a power cut under its own name. */
  async finish(): Promise<void> {
    await this.#handle!.sync();
    await rename(partOf(this.#path), this.#path);
    this.#isWhole = true;
  }

  /** Null until they are known. */
  leaves(): readonly Uint8Array[] | null {
    return this.#leaves;
  }

  /** Which segments are here, as bits; none where the leaves are not known. */
  held(): Uint8Array {
    return this.#leaves === null ? new Uint8Array() : encodeHeld(this.#held, this.segments);
  }

  /** Checked: null where it is not here, or not any more. */
  async segment(index: number): Promise<Uint8Array | null> {
    const leaf = this.#leaves?.[index];
    if (!this.#held.has(index) || leaf === undefined || this.#handle === null) return null;
    const segment = await this.#read(this.#handle, index);
    return segment && Buffer.compare(leafHash(this.#crypto, segment), leaf) === 0 ? segment : null;
  }

  /** All of a whole one. */
  async read(): Promise<Uint8Array> {
    const bytes = new Uint8Array(this.#blob.bytes);
    const length = await readFully(this.#handle!, bytes, 0);
    if (length !== bytes.length) throw new Error(`${this.#path} was cut short`);
    return bytes;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    this.#leaves = null;
    this.#held.clear();
    this.#isWhole = false;
    await handle?.close();
  }

  #lengthOf(index: number): number {
    return Math.min(segmentBytesMax, this.#blob.bytes - index * segmentBytesMax);
  }

  async #read(handle: FileHandle, index: number): Promise<Uint8Array | null> {
    const segment = new Uint8Array(this.#lengthOf(index));
    return (await readFully(handle, segment, index * segmentBytesMax)) === segment.length ? segment : null;
  }

  /** Leaves of what is there; others have their turn between. */
  async #hashes(handle: FileHandle): Promise<Uint8Array[]> {
    const leaves: Uint8Array[] = [];
    for (let index = 0; index < this.segments; index++) {
      const segment = await this.#read(handle, index);
      leaves.push(leafHash(this.#crypto, segment ?? new Uint8Array()));
      if (index % segmentsPerTurn === segmentsPerTurn - 1) await nextTurn();
    }
    return leaves;
  }
}
