/** Where a node keeps blobs beyond the time for which anybody must have them. All its runs share one. */
import { segmentCount } from './blob.ts';

/** A blob was not kept: what is pinned leaves no room for it, or the place cannot be written. */
export class ContentError extends Error {
  override readonly name = 'ContentError';
  readonly code: 'NO_ROOM' | 'CONTENT_UNUSABLE';

  constructor(code: 'NO_ROOM' | 'CONTENT_UNUSABLE', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface ContentUsage {
  readonly blobs: number;
  /** What they take of the quota (`storedBytes`). */
  readonly bytes: number;
  readonly pinnedBytes: number;
  /** The quota. */
  readonly bytesMax: number;
}

/**
 * Blobs by their Merkle root (hex). Together they never take more than the quota: whoever puts one in takes out those that
 * nobody pinned, longest unused first. To put, to read, to pin and to unpin is to use. Pins end with the process, blobs
 * do not. What is read is verified; a blob that is not whole any more is not held. Held by content-store-contract.ts.
 */
export interface ContentStore {
  /**
   * Resolves to the root once the blob would survive a power cut; it is pinned from then on where `pinnedBy` names an
   * owner. `blob` must not change meanwhile. @throws ContentError
   */
  put(blob: Uint8Array, pinnedBy?: string): Promise<string>;
  has(root: string): boolean;
  /** The leaf hashes, 32 bytes each; null where the blob is not held. @throws ContentError where the place cannot be read */
  leaves(root: string): Promise<readonly Uint8Array[] | null>;
  /**
   * One segment, read by itself; null where the blob is not held or has no such segment. @throws ContentError where the
   * place cannot be read
   */
  segment(root: string, index: number): Promise<Uint8Array | null>;
  /** An owner pins a blob once, however often it says so. False where it is not held. */
  pin(owner: string, root: string): boolean;
  /** Harmless where the owner has not pinned it. */
  unpin(owner: string, root: string): void;
  unpinAll(owner: string): void;
  usage(): ContentUsage;
}

export const leafBytes = 32;
/** Kept in front of a blob beside its leaves. */
export const blobHeadBytes = 16;
/** File systems give no less; it also bounds the number of blobs. */
const storedBytesMin = 4096;

/** What a blob of so many bytes takes of the quota. */
export function storedBytes(blobBytes: number): number {
  return Math.max(storedBytesMin, blobHeadBytes + leafBytes * segmentCount(blobBytes) + blobBytes);
}
