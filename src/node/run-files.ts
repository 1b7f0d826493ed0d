/** The files that a run's manifest names, on one node: found beside the manifest or asked of peers, kept, and handed on. */

import { constants } from 'node:fs';
import { copyFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { equals } from 'uint8arrays';
import { merkleRoot, segmentBytesMax } from '../content/blob.ts';
import { reasonOf } from '../core/as-error.ts';
import { bytesToHex, hex32, hexToBytes } from '../core/bytes.ts';
import { Credentials } from '../core/credentials.ts';
import type { Crypto } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import { type Clock, RequestRefusedError } from '../core/ports.ts';
import { vectorOfFile } from '../learning/initial.ts';
import { decodeHashList, decodeRequest, encodeHashList, encodeRequest, type Request } from '../log/wire.ts';
import { trains } from '../methods/registry.ts';
import type { Exchange } from '../network/exchange/exchange.ts';
import { createFileExchange, holdersOf } from '../network/file-exchange.ts';
import type { Host } from '../network/host.ts';
import { BlobFile, type BlobId, blobIdOf } from '../platform/node/blob-file.ts';
import { makeDirectory } from '../platform/node/make-directory.ts';
import type { SignedManifest } from '../run/manifest.ts';
import {
  baseFile,
  evaluationFile,
  type RunFile,
  type RunVectors,
  startFile,
  trainingFile,
} from '../run/run-files.ts';
import type { SessionEvent } from './events.ts';
import { NodeError } from './node-error.ts';

/** Segments asked of one peer at a time. */
const inFlightMax = 4;
/** For a segment; half a minute is 70 kbit/s. */
const answerTimeoutMs = 30_000;
/** Between two words on how much is here. */
const pulledEveryMs = 1_000;
/** Beside the segment itself, or the leaves. */
const frameBytes = 64;

export interface RunFilesOptions {
  readonly host: Host;
  readonly run: SignedManifest;
  /** Where they are kept, each under its root. */
  readonly folder: string;
  readonly crypto: Crypto;
  /** What we show where the run asks for it. */
  readonly credential?: Uint8Array | null;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onEvent: (event: SessionEvent) => void;
  readonly answerTimeoutMs?: number;
  /** Blobs that the manifest does not name are kept and handed on as well. */
  readonly takesBlobs?: boolean;
}

/** Holders asked at a time. */
const holdersMax = 4;

/** One file on its way. */
interface Fetch {
  readonly file: RunFile;
  readonly here: BlobFile;
  /** Segments that nobody has been asked for. */
  readonly missing: number[];
  /** Segments that are not written. */
  left: number;
  /** Of those that were not written when it began, and when that was. */
  readonly wanted: number;
  readonly beganAtMs: number;
  toldAtMs: number;
}

/** A peer answered something else than was asked, or not at all. */
class BadAnswerError extends Error {
  override readonly name = 'BadAnswerError';
  readonly code = 'BAD_ANSWER';
}

export class RunFiles {
  readonly #options: RunFilesOptions;
  readonly #wanted: readonly RunFile[];
  readonly #files = new Map<string, BlobFile>();
  readonly #exchange: Exchange;
  readonly #credentials: Credentials;
  /** By their root. */
  readonly #pulls = new Map<string, Promise<void>>();

  constructor(options: RunFilesOptions) {
    const { host, run, folder, crypto, credential = null } = options;
    this.#options = options;
    this.#wanted = run.manifest.files ?? [];
    this.#credentials = new Credentials(run.manifest, run.runId, crypto, credential);
    for (const file of this.#wanted)
      this.#files.set(file.root, new BlobFile(join(folder, file.root), file, crypto));
    this.#exchange = createFileExchange(host, run.runId, (from, request) => this.#serve(from, request));
  }

  /** Resolves when all are here. Rejects with the signal's reason, and where the folder cannot be written. */
  async begin(signal: AbortSignal): Promise<void> {
    if (!this.#isServing) return;
    if (this.takesBlobs) await this.#takeUp();
    await this.#exchange.start();
    for (const file of this.#wanted) {
      const here = this.#files.get(file.root)!;
      if (here.isWhole || (await here.openWhole())) continue;
      this.#options.onEvent({ kind: 'file-wanted', name: file.name, bytes: file.bytes });
      await this.#fetch(file, here, signal);
      this.#options.onEvent({ kind: 'file-complete', name: file.name });
    }
  }

  get takesBlobs(): boolean {
    return this.#options.takesBlobs ?? false;
  }

  get #isServing(): boolean {
    return this.#wanted.length > 0 || this.takesBlobs;
  }

  /** Where a blob lies, or would. */
  pathOf(root: string): string {
    return join(this.#options.folder, root);
  }

  /** Roots of what is whole here. */
  held(): readonly string[] {
    return [...this.#files].flatMap(([root, { isWhole }]) => (isWhole ? [root] : []));
  }

  /** Resolves when the blob is here, whole, and handed on. Rejects with the signal's reason. */
  async pull(name: string, blob: BlobId, signal: AbortSignal): Promise<void> {
    const { root, bytes } = blob;
    const here = this.#files.get(root) ?? new BlobFile(this.pathOf(root), blob, this.#options.crypto);
    if (here.isWhole) return;
    this.#files.set(root, here);
    const pull = this.#pulls.get(root) ?? this.#pulled({ name, root, bytes }, here, signal);
    this.#pulls.set(root, pull);
    try {
      await pull;
    } finally {
      this.#pulls.delete(root);
    }
  }

  async #pulled(file: RunFile, here: BlobFile, signal: AbortSignal): Promise<void> {
    if (await here.openWhole()) return;
    this.#options.onEvent({ kind: 'file-wanted', name: file.name, bytes: file.bytes });
    try {
      await this.#fetch(file, here, signal);
    } catch (error) {
      this.#files.delete(file.root);
      await here.close();
      throw error;
    }
    this.#options.onEvent({ kind: 'file-complete', name: file.name });
  }

  /** Keeps a copy of what a file holds, and hands it on. @throws system errors */
  async offer(path: string): Promise<BlobId> {
    const { folder, crypto } = this.#options;
    const blob = await blobIdOf(path, crypto);
    const held = this.#files.get(blob.root);
    if (held?.isWhole) return blob;
    makeDirectory(folder);
    await copyFile(path, this.pathOf(blob.root), constants.COPYFILE_FICLONE);
    const copy = new BlobFile(this.pathOf(blob.root), blob, crypto);
    // It may have been written over while it was copied.
    if (!(await copy.openWhole())) throw new NodeError('NOT_PUBLISHED', `${path} changes while it is read`);
    this.#files.set(blob.root, copy);
    return blob;
  }

  /** Keeps a blob no longer. */
  async drop(root: string): Promise<void> {
    if (this.#wanted.some((file) => file.root === root)) return;
    const file = this.#files.get(root);
    this.#files.delete(root);
    await file?.close();
    await rm(this.pathOf(root), { force: true });
  }

  /** What an earlier start kept. */
  async #takeUp(): Promise<void> {
    const { folder, crypto } = this.#options;
    for (const root of await readdir(folder).catch(() => [])) {
      if (!hex32.test(root) || this.#files.has(root)) continue;
      const { size: bytes } = await stat(this.pathOf(root));
      const file = new BlobFile(this.pathOf(root), { root, bytes }, crypto);
      if (await file.openWhole()) this.#files.set(root, file);
    }
  }

  /** Those that the run has, read anew. */
  async vectors(): Promise<RunVectors> {
    const start = await this.vector(startFile);
    const base = await this.vector(baseFile);
    const evaluation = await this.vector(evaluationFile);
    const training = await this.vector(trainingFile);
    return {
      ...{ ...(start && { start }), ...(base && { base }) },
      ...{ ...(evaluation && { evaluation }), ...(training && { training }) },
    };
  }

  /** Null where the run has none of that name; read anew. */
  async vector(of: keyof RunVectors): Promise<Float32Array | null> {
    const file = this.#wanted.find(({ name }) => name === of);
    return file === undefined ? null : vectorOfFile(await this.#files.get(file.root)!.read());
  }

  async stop(): Promise<void> {
    if (this.#isServing) await this.#exchange.stop();
    for (const file of this.#files.values()) await file.close();
  }

  async #serve(from: PeerKey, bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    const disclosed = this.#credentials.disclosed(from, bytes);
    if (disclosed === null) throw new RequestRefusedError('only members get the files of this run');
    const request = decodeRequest(disclosed);
    if (request?.kind !== 'leaves' && request?.kind !== 'segment')
      throw new RequestRefusedError('this is no request for a file');
    const file = this.#files.get(bytesToHex(request.root));
    const frame =
      request.kind === 'segment'
        ? ((await file?.segment(request.index)) ?? null)
        : (file?.leaves() ?? null) && encodeHashList(file!.leaves()!);
    if (frame === null) throw new RequestRefusedError('it is not here');
    return [frame];
  }

  /** Of several holders at once, each as long as it answers well; what came stays, also for the next start of the node. */
  async #fetch(file: RunFile, here: BlobFile, signal: AbortSignal): Promise<void> {
    const { host, run, clock, random, onEvent } = this.#options;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const asked = new Set<PeerKey>();
    const failures = new Map<PeerKey, number>();
    const rankOf = (peer: PeerKey): number => failures.get(peer) ?? 0;
    const noteFailure = (peer: PeerKey, error: unknown): void => {
      failures.set(peer, rankOf(peer) + 1);
      if (!either.aborted) onEvent({ kind: 'file-refused', provider: peer, reason: reasonOf(error) });
    };
    let fetch: Fetch | null = null;
    for await (const peer of holdersOf({ host, runId: run.runId, clock, random, signal: either, rankOf })) {
      if (asked.has(peer) || asked.size >= holdersMax) continue;
      try {
        fetch ??= await this.#opened(peer, file, here, either);
      } catch (error) {
        if (isOfDisk(error)) throw error;
        noteFailure(peer, error);
        continue;
      }
      if (fetch.left === 0) break;
      asked.add(peer);
      void this.#segmentsFrom(peer, fetch, over, either)
        .catch((error: unknown) => {
          if (isOfDisk(error)) over.abort(error);
          noteFailure(peer, error);
        })
        .finally(() => asked.delete(peer));
    }
    signal.throwIfAborted();
    if (isOfDisk(over.signal.reason)) throw over.signal.reason;
    await here.finish();
  }

  async #opened(peer: PeerKey, file: RunFile, here: BlobFile, signal: AbortSignal): Promise<Fetch> {
    const missing = await here.openPart(await this.#leavesFrom(peer, file, here, signal));
    const nowMs = this.#options.clock.nowMs();
    const wanted = missing.length;
    return { file, here, missing, left: wanted, wanted, beganAtMs: nowMs, toldAtMs: nowMs };
  }

  async #leavesFrom(
    peer: PeerKey,
    file: RunFile,
    here: BlobFile,
    signal: AbortSignal,
  ): Promise<Uint8Array[]> {
    const root = hexToBytes(file.root);
    const frame = await this.#ask(peer, { kind: 'leaves', root }, frameBytes * (here.segments + 1), signal);
    const leaves = decodeHashList(frame, here.segments);
    if (leaves?.length === here.segments && equals(merkleRoot(this.#options.crypto, leaves), root))
      return leaves;
    throw new BadAnswerError(`peer ${peer} answered with other hashes than those of ${file.name}`);
  }

  /** Takes numbers out of `missing` as their segments come; ends the whole fetch with the last one. */
  async #segmentsFrom(
    peer: PeerKey,
    fetch: Fetch,
    over: AbortController,
    signal: AbortSignal,
  ): Promise<void> {
    const { file, here, missing } = fetch;
    const root = hexToBytes(file.root);
    let hasFailed = false;
    const worker = async (): Promise<void> => {
      while (!hasFailed && missing.length > 0) {
        const index = missing.shift()!;
        try {
          const segment = await this.#ask(
            peer,
            { kind: 'segment', root, index },
            segmentBytesMax + frameBytes,
            signal,
          );
          if (!(await here.write(index, segment))) {
            throw new BadAnswerError(
              `peer ${peer} answered with another segment than ${index} of ${file.name}`,
            );
          }
        } catch (error) {
          hasFailed = true;
          missing.push(index);
          throw error;
        }
        fetch.left -= 1;
        this.#tellProgress(fetch);
        if (fetch.left === 0) over.abort();
      }
    };
    await Promise.all(Array.from({ length: inFlightMax }, worker));
  }

  #tellProgress(fetch: Fetch): void {
    const { clock, onEvent } = this.#options;
    const nowMs = clock.nowMs();
    const { file, here, left, wanted, beganAtMs } = fetch;
    if (left === 0 || nowMs - fetch.toldAtMs < pulledEveryMs) return;
    fetch.toldAtMs = nowMs;
    const leftMs = Math.round(((nowMs - beganAtMs) / (wanted - left)) * left);
    const heldBytes = Math.floor((file.bytes * (here.segments - left)) / here.segments);
    onEvent({ kind: 'file-pulled', name: file.name, bytes: file.bytes, heldBytes, leftMs });
  }

  async #ask(
    peer: PeerKey,
    request: Request,
    responseBytesMax: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const timeoutMs = this.#options.answerTimeoutMs ?? answerTimeoutMs;
    const options = { responseBytesMax, timeoutMs, signal };
    const question = this.#credentials.enclosed(encodeRequest(request));
    const [frame, ...more] = await this.#exchange.request(peer, question, options);
    if (frame === undefined || more.length > 0)
      throw new BadAnswerError(`peer ${peer} answered with ${more.length} frames too many`);
    return frame;
  }
}

/** Those of a run, in a folder of its own; null where it has none. @throws NodeError without a folder for them */
export function filesOf(
  options: Omit<RunFilesOptions, 'folder'>,
  folder: string | undefined,
): RunFiles | null {
  const { manifest, runId } = options.run;
  // What is published in a log lies beside it.
  const takesBlobs = !trains(manifest.strategy) && folder !== undefined;
  if (manifest.files === undefined && !takesBlobs) return null;
  if (folder !== undefined) return new RunFiles({ ...options, folder, takesBlobs });
  throw new NodeError('NO_PLACE_FOR_FILES', `run ${runId} has files: name a folder for them (filesFolder)`);
}

/** The disk's trouble is ours, and no peer's. */
function isOfDisk(error: unknown): boolean {
  return (
    error instanceof Error &&
    'syscall' in error &&
    'code' in error &&
    /^E(NOSPC|ACCES|IO|ROFS|DQUOT|MFILE|PERM|BADF)$/.test(String(error.code))
  );
}
