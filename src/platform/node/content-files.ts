/**
 * A content store of files, one a blob, named by its root in hex. Layout: 8 bytes that say what it is, the blob's length
 * (uint64, big endian), the leaf hashes, the blob. Whoever reads a segment reads no other.
 */

import { constants } from 'node:fs';
import { type FileHandle, lstat, lutimes, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { leafHash, merkleRoot, segmentBytesMax, segmentCount, segmentOf } from '../../content/blob.ts';
import {
  blobHeadBytes,
  ContentError,
  type ContentStore,
  type ContentUsage,
  leafBytes,
  storedBytes,
} from '../../content/content-store.ts';
import { ContentTable } from '../../content/content-table.ts';
import { reasonOf } from '../../core/as-error.ts';
import { bytesToHex, hex32 } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { makeDirectory } from './make-directory.ts';
import { readFully } from './read-fully.ts';

export interface ContentFilesOptions {
  /** Made where it is missing. One process at a time. */
  readonly directory: string;
  /** The quota, in bytes. */
  readonly bytesMax: number;
  readonly crypto: Crypto;
  /** Files are stamped with it, so that the order in which blobs were used outlives the process. */
  readonly nowMs: () => number;
}

const MAGIC = Buffer.from('starblob');
/** What `writeFileAtomically` leaves behind when its process dies. */
const temporaryName = /^[0-9a-f]{64}\.\d+-\d+\.tmp$/;
/** About ten milliseconds of hashing. */
const segmentsPerTurn = 16;
/** Neither a link nor something that blocks until somebody writes to it. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens the store with what an earlier process left in it, as far as the quota allows: leavings of a crash and files that
 * are not whole are deleted. Links, folders and files of other names are neither followed nor counted nor touched.
 * @throws ContentError where the folder cannot be used
 */
export async function openContentFiles(options: ContentFilesOptions): Promise<ContentStore> {
  const files = new ContentFiles(options);
  await files.open();
  return files;
}

/** Opened, and whole as far as its head, its length and its leaves tell. */
interface OpenBlob {
  readonly handle: FileHandle;
  readonly bytes: number;
  readonly usedMs: number;
  readonly leaves: readonly Uint8Array[];
}

class ContentFiles implements ContentStore {
  readonly #options: ContentFilesOptions;
  readonly #table: ContentTable;
  /** One blob is written at a time, each after room was made for it. */
  #writing: Promise<unknown> = Promise.resolve();
  #stampedMs = 0;

  constructor(options: ContentFilesOptions) {
    this.#options = options;
    this.#table = new ContentTable(options.bytesMax);
  }

  async open(): Promise<void> {
    const { directory } = this.#options;
    try {
      makeDirectory(directory);
      const found: { readonly root: string; readonly bytes: number; readonly usedMs: number }[] = [];
      for (const entry of await readdir(directory, { withFileTypes: true })) {
        if (!entry.isFile()) continue;
        if (temporaryName.test(entry.name)) await rm(join(directory, entry.name), { force: true });
        if (!hex32.test(entry.name)) continue;
        const blob = await this.#opened(entry.name, async ({ bytes, usedMs }) => ({ bytes, usedMs }));
        if (blob === 'damaged') await this.#remove(entry.name);
        else found.push({ root: entry.name, ...blob });
      }
      found.sort((one, other) => one.usedMs - other.usedMs);
      for (const { root, bytes } of found) this.#table.add(root, storedBytes(bytes));
      this.#stampedMs = Math.ceil(found.at(-1)?.usedMs ?? 0);
      // The quota may be smaller than it was.
      await this.#makeRoom(0);
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  put(blob: Uint8Array, pinnedBy?: string): Promise<string> {
    const written = this.#writing.then(() => this.#put(blob, pinnedBy));
    this.#writing = written.catch(() => {});
    return written;
  }

  has(root: string): boolean {
    return this.#table.has(root);
  }

  async leaves(root: string): Promise<readonly Uint8Array[] | null> {
    return this.#read(root, async ({ leaves }) => leaves);
  }

  async segment(root: string, index: number): Promise<Uint8Array | null> {
    return this.#read(root, async ({ handle, bytes, leaves }) => {
      const leaf = leaves[index];
      if (!leaf) return null;
      const at = index * segmentBytesMax;
      const segment = await readAt(
        handle,
        blobHeadBytes + leafBytes * leaves.length + at,
        Math.min(segmentBytesMax, bytes - at),
      );
      const isWhole = segment !== null && Buffer.compare(leafHash(this.#options.crypto, segment), leaf) === 0;
      return isWhole ? segment : 'damaged';
    });
  }

  pin(owner: string, root: string): boolean {
    const isHeld = this.#table.pin(owner, root);
    if (isHeld) void this.#stamp(root);
    return isHeld;
  }

  unpin(owner: string, root: string): void {
    this.#table.unpin(owner, root);
    if (this.#table.has(root)) void this.#stamp(root);
  }

  unpinAll(owner: string): void {
    this.#table.unpinAll(owner);
  }

  usage(): ContentUsage {
    return this.#table.usage();
  }

  async #put(blob: Uint8Array, pinnedBy: string | undefined): Promise<string> {
    const { crypto } = this.#options;
    const leaves = await leavesInTurns(crypto, blob);
    const root = bytesToHex(merkleRoot(crypto, leaves));
    try {
      if ((await this.leaves(root)) === null) await this.#write(root, leaves, blob);
    } catch (error) {
      throw this.#unusable(error);
    }
    if (pinnedBy === undefined) this.#table.use(root);
    else this.#table.pin(pinnedBy, root);
    await this.#stamp(root);
    return root;
  }

  async #write(root: string, leaves: readonly Uint8Array[], blob: Uint8Array): Promise<void> {
    const bytes = storedBytes(blob.length);
    await this.#makeRoom(bytes);
    const file = this.#fileOf(root);
    const there = await lstat(file).catch(() => null);
    if (there && !there.isFile()) throw new Error(`${root} is there and is no file`);
    const head = Buffer.alloc(blobHeadBytes);
    MAGIC.copy(head);
    head.writeBigUInt64BE(BigInt(blob.length), MAGIC.length);
    await writeFileAtomically(file, [head, ...leaves, blob]);
    this.#table.add(root, bytes);
  }

  async #makeRoom(bytes: number): Promise<void> {
    const evicted = this.#table.makeRoom(bytes);
    if (evicted === null) {
      const { pinnedBytes, bytesMax } = this.#table.usage();
      throw new ContentError(
        'NO_ROOM',
        `no room for ${bytes} bytes beside ${pinnedBytes} that are in use: the quota is ${bytesMax}; raise contentBytesMax`,
      );
    }
    for (const root of evicted) await this.#remove(root);
  }

  /** 'damaged' out of `take`, or a file that is not whole: the blob is not held any more. */
  async #read<T>(root: string, take: (blob: OpenBlob) => Promise<T | 'damaged'>): Promise<T | null> {
    if (!this.#table.has(root)) return null;
    this.#table.use(root);
    const taken = await this.#opened(root, take);
    if (taken === 'damaged') {
      this.#drop(root);
      return null;
    }
    await this.#stamp(root);
    return taken;
  }

  async #opened<T>(root: string, take: (blob: OpenBlob) => Promise<T | 'damaged'>): Promise<T | 'damaged'> {
    let handle: FileHandle | null = null;
    try {
      handle = await open(this.#fileOf(root), readFlags);
      const stats = await handle.stat();
      const bytes = stats.isFile() ? await blobBytesOf(handle, stats.size) : null;
      const leaves = bytes === null ? null : await this.#leavesOf(handle, root, segmentCount(bytes));
      if (bytes === null || leaves === null) return 'damaged';
      return await take({ handle, bytes, usedMs: stats.mtimeMs, leaves });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // It was deleted, or something else was put in its place.
      if (handle === null && (code === 'ENOENT' || code === 'ELOOP' || code === 'ENXIO')) return 'damaged';
      throw this.#unusable(error);
    } finally {
      await handle?.close();
    }
  }

  async #leavesOf(handle: FileHandle, root: string, count: number): Promise<readonly Uint8Array[] | null> {
    const bytes = await readAt(handle, blobHeadBytes, leafBytes * count);
    if (bytes === null) return null;
    const leaves = Array.from({ length: count }, (_, index) =>
      bytes.subarray(index * leafBytes, (index + 1) * leafBytes),
    );
    return bytesToHex(merkleRoot(this.#options.crypto, leaves)) === root ? leaves : null;
  }

  /** The file goes when nobody writes, and stays where the blob was put in again meanwhile. */
  #drop(root: string): void {
    this.#table.drop(root);
    this.#writing = this.#writing
      .then(() => (this.#table.has(root) ? undefined : this.#remove(root)))
      // A later start finds it again, and finds it damaged again.
      .catch(() => {});
  }

  async #remove(root: string): Promise<void> {
    const file = this.#fileOf(root);
    const there = await lstat(file).catch(() => null);
    if (there?.isFile()) await rm(file, { force: true });
  }

  /** Only the order of eviction after a restart depends on it. */
  async #stamp(root: string): Promise<void> {
    this.#stampedMs = Math.max(this.#options.nowMs(), this.#stampedMs + 1);
    const seconds = this.#stampedMs / 1000;
    await lutimes(this.#fileOf(root), seconds, seconds).catch(() => {});
  }

  #fileOf(root: string): string {
    return join(this.#options.directory, root);
  }

  #unusable(error: unknown): ContentError {
    if (error instanceof ContentError) return error;
    const reason = reasonOf(error);
    return new ContentError(
      'CONTENT_UNUSABLE',
      `${this.#options.directory} cannot be used: ${reason}; check permissions and free space`,
      { cause: error },
    );
  }
}

/** The length of the blob in a file of `size` bytes; null where the file cannot be one. */
async function blobBytesOf(handle: FileHandle, size: number): Promise<number | null> {
  const head = await readAt(handle, 0, blobHeadBytes);
  if (head === null || MAGIC.compare(head, 0, MAGIC.length) !== 0) return null;
  const bytes = Number(Buffer.from(head).readBigUInt64BE(MAGIC.length));
  if (bytes > size) return null;
  return size === blobHeadBytes + leafBytes * segmentCount(bytes) + bytes ? bytes : null;
}

/** Null where the file ends before. */
async function readAt(handle: FileHandle, position: number, length: number): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(length);
  return (await readFully(handle, bytes, position)) === length ? bytes : null;
}

/** The hash of a large blob takes a second: others have their turn between. */
async function leavesInTurns(crypto: Crypto, blob: Uint8Array): Promise<Uint8Array[]> {
  const leaves: Uint8Array[] = [];
  for (let index = 0; index < segmentCount(blob.length); index++) {
    leaves.push(leafHash(crypto, segmentOf(blob, index)));
    if (index % segmentsPerTurn === segmentsPerTurn - 1) await setImmediate();
  }
  return leaves;
}
