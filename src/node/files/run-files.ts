/** The files that a run's manifest names, on one node: found beside the manifest or asked of peers, kept, and handed on. */

import { constants } from 'node:fs';
import { copyFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../core/as-error.ts';
import { bytesToHex, hex32 } from '../../core/bytes.ts';
import { Credentials } from '../../core/credentials.ts';
import type { Crypto } from '../../core/crypto.ts';
import { forgetOldest } from '../../core/forget-oldest.ts';
import type { PeerKey } from '../../core/io.ts';
import { type Clock, RequestRefusedError } from '../../core/ports.ts';
import { vectorOfFile } from '../../learning/initial.ts';
import { type BlobRequest, decodeRequest, encodeHashList, isOfBlob } from '../../log/wire.ts';
import { trains } from '../../methods/registry.ts';
import { TokenBuckets } from '../../network/conduct/token-buckets.ts';
import { Providing } from '../../network/discovery/providing.ts';
import type { Exchange } from '../../network/exchange/exchange.ts';
import { createFileExchange, holdersOf } from '../../network/exchange/file-exchange.ts';
import type { HiddenRun } from '../../network/hidden-run.ts';
import type { Host } from '../../network/host/host.ts';
import { peerIdOf } from '../../network/identity.ts';
import { BlobFile, type BlobId, blobIdOf, partOf } from '../../platform/node/blob-file.ts';
import { makeDirectory } from '../../platform/node/make-directory.ts';
import type { SignedManifest } from '../../run/manifest.ts';
import {
  baseFile,
  evaluationFile,
  type RunFile,
  type RunVectors,
  startFile,
  trainingFile,
} from '../../run/run-files.ts';
import type { SessionEvent } from '../events.ts';
import { NodeError } from '../node-error.ts';
import { FilePull, isOurs } from './file-pull.ts';

/** Between two words on how much is here. */
const pulledEveryMs = 1_000;

export interface RunFilesOptions {
  readonly host: Host;
  readonly run: SignedManifest;
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  /** Where they are kept, each under its root. */
  readonly folder: string;
  readonly crypto: Crypto;
  /** Whether the run has shown a peer the door, by what it shows for itself. */
  readonly isOut?: (peer: PeerKey, credential: Uint8Array | null) => boolean;
  /** What we show where the run asks for it. */
  readonly credential?: Uint8Array | null;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onEvent: (event: SessionEvent) => void;
  readonly answerTimeoutMs?: number;
  /** Blobs that the manifest does not name are kept and handed on as well. */
  readonly takesBlobs?: boolean;
}

export class RunFiles {
  readonly #options: RunFilesOptions;
  readonly #wanted: readonly RunFile[];
  readonly #files = new Map<string, BlobFile>();
  readonly #exchange: Exchange;
  readonly #credentials: Credentials;
  /** Lets others that take the files find us while we take them ourselves; then the run does. */
  readonly #providing: Providing;
  /** By their root. */
  readonly #pulls = new Map<string, Promise<void>>();
  /** Copies that are being made, by the root. */
  readonly #offers = new Map<string, Promise<void>>();
  /** Under way, by the root. */
  readonly #underWay = new Map<string, FilePull>();

  constructor(options: RunFilesOptions) {
    const { host, run, hidden, folder, crypto, clock, random, credential = null } = options;
    this.#options = options;
    this.#wanted = run.manifest.files ?? [];
    this.#credentials = new Credentials(run.manifest, run.runId, crypto, credential);
    for (const file of this.#wanted)
      this.#files.set(file.root, new BlobFile(join(folder, file.root), file, crypto));
    const about = { host, runId: run.runId, hidden };
    this.#exchange = createFileExchange(about, (from, request) => this.#serve(from, request));
    this.#providing = new Providing({ ...about, clock, random, onEvent: () => {} });
  }

  /** Resolves when all are here. Rejects with the signal's reason, and where the folder cannot be written. */
  async begin(signal: AbortSignal): Promise<void> {
    if (!this.#isServing) return;
    if (this.takesBlobs) await this.#takeUp();
    await this.#exchange.start();
    try {
      for (const file of this.#wanted) {
        const here = this.#files.get(file.root)!;
        if (here.isWhole || (await here.openWhole())) continue;
        this.#providing.start();
        this.#want(file, false);
        await this.#fetch(file, here, signal);
        this.#options.onEvent({ kind: 'file-complete', name: file.name });
      }
    } finally {
      await this.#providing.stop();
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
    if (here.bytes !== bytes)
      throw new NodeError(
        'NOT_HELD',
        `${name} has ${here.bytes} bytes, not the ${bytes} that are said of it`,
      );
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

  #want({ name, bytes }: RunFile, isPublished: boolean): void {
    this.#options.onEvent({ kind: 'file-wanted', name, bytes, isPublished });
  }

  async #pulled(file: RunFile, here: BlobFile, signal: AbortSignal): Promise<void> {
    if (await here.openWhole()) return;
    this.#want(file, true);
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
    const blob = await blobIdOf(path, this.#options.crypto);
    if (this.#files.get(blob.root)?.isWhole) return blob;
    // Two that are told the same file at once would write over each other's copy.
    const kept =
      this.#offers.get(blob.root) ?? this.#keep(path, blob).finally(() => this.#offers.delete(blob.root));
    this.#offers.set(blob.root, kept);
    await kept;
    return blob;
  }

  async #keep(path: string, blob: BlobId): Promise<void> {
    const { folder, crypto } = this.#options;
    makeDirectory(folder);
    await copyFile(path, this.pathOf(blob.root), constants.COPYFILE_FICLONE);
    const copy = new BlobFile(this.pathOf(blob.root), blob, crypto);
    // It may have been written over while it was copied.
    if (!(await copy.openWhole())) throw new NodeError('NOT_PUBLISHED', `${path} changes while it is read`);
    this.#files.set(blob.root, copy);
  }

  /** Keeps a blob no longer. */
  async drop(root: string): Promise<void> {
    if (this.#wanted.some((file) => file.root === root)) return;
    const file = this.#files.get(root);
    this.#files.delete(root);
    await file?.close();
    for (const path of [this.pathOf(root), partOf(this.pathOf(root))]) await rm(path, { force: true });
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
    if (disclosed === null || this.#options.isOut?.(from, this.#credentials.shownBy(from)))
      throw new RequestRefusedError('only members get the files of this run');
    const request = decodeRequest(disclosed);
    if (!isOfBlob(request)) throw new RequestRefusedError('this is no request for a file');
    const root = bytesToHex(request.root);
    // Who asks takes it as well, and may have what we miss.
    if (request.kind === 'held') this.#underWay.get(root)?.add(from);
    const file = this.#files.get(root);
    const frame = file && (await answerOf(file, request));
    if (!frame) throw new RequestRefusedError('it is not here');
    return [frame];
  }

  async #fetch(file: RunFile, here: BlobFile, signal: AbortSignal): Promise<void> {
    const { host, run, hidden, crypto, clock, random, onEvent } = this.#options;
    const failures = new Map<PeerKey, number>();
    const rankOf = (peer: PeerKey): number => failures.get(peer) ?? 0;
    const progress = new Progress(file, here.segments, clock, onEvent);
    const refusals = new Refusals(clock, onEvent);
    const pull = new FilePull(
      {
        ...this.#options,
        ...{ file, here, crypto, exchange: this.#exchange },
        enclosed: (request) => this.#credentials.enclosed(request),
        onFailed: (peer, error, isLie) => {
          failures.set(peer, rankOf(peer) + 1);
          if (isLie) host.reputation.blame(peerIdOf(peer));
          refusals.tell(peer, reasonOf(error));
        },
        onSegment: (wanted, left) => progress.note(wanted, left),
      },
      signal,
    );
    const { signal: ends } = pull;
    this.#underWay.set(file.root, pull);
    const search = { host, runId: run.runId, hidden, clock, random, signal: ends, rankOf };
    for await (const peer of holdersOf(search)) pull.add(peer);
    this.#underWay.delete(file.root);
    signal.throwIfAborted();
    if (isOurs(pull.signal.reason)) throw pull.signal.reason;
    await here.finish();
  }
}

/** Null where it is not here. */
async function answerOf(file: BlobFile, request: BlobRequest): Promise<Uint8Array | null> {
  switch (request.kind) {
    case 'held':
      return file.held();
    case 'segment':
      return file.segment(request.index);
    case 'leaves': {
      const leaves = file.leaves();
      return leaves && encodeHashList(leaves);
    }
    default:
      return request satisfies never;
  }
}

/** Peers and reasons that are remembered as told. */
const toldMax = 1_024;
/** Keys cost nothing, and each is a line of the log. Guess. */
const toldLimits = { burst: 64, perSecond: 1 / 10 };

/** Tells of those who give nothing: of each once for each reason, and of no more than a log can bear. */
class Refusals {
  readonly #clock: Clock;
  readonly #onEvent: RunFilesOptions['onEvent'];
  readonly #told = new Set<string>();
  readonly #pace = new TokenBuckets(toldLimits);

  constructor(clock: Clock, onEvent: RunFilesOptions['onEvent']) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  tell(provider: PeerKey, reason: string): void {
    const name = `${provider} ${reason}`;
    if (this.#told.has(name) || !this.#pace.takes('all', this.#clock.nowMs())) return;
    this.#told.add(name);
    forgetOldest(this.#told, toldMax);
    this.#onEvent({ kind: 'file-refused', provider, reason });
  }
}

/** Tells how much of a file is here. */
class Progress {
  readonly #file: RunFile;
  readonly #segments: number;
  readonly #clock: Clock;
  readonly #onEvent: RunFilesOptions['onEvent'];
  readonly #beganAtMs: number;
  #toldAtMs: number;

  constructor(file: RunFile, segments: number, clock: Clock, onEvent: RunFilesOptions['onEvent']) {
    this.#file = file;
    this.#segments = segments;
    this.#clock = clock;
    this.#onEvent = onEvent;
    this.#beganAtMs = clock.nowMs();
    this.#toldAtMs = this.#beganAtMs;
  }

  note(wanted: number, left: number): void {
    const nowMs = this.#clock.nowMs();
    if (left === 0 || nowMs - this.#toldAtMs < pulledEveryMs) return;
    this.#toldAtMs = nowMs;
    const { name, bytes } = this.#file;
    const leftMs = Math.round(((nowMs - this.#beganAtMs) / (wanted - left)) * left);
    const heldBytes = Math.floor((bytes * (this.#segments - left)) / this.#segments);
    this.#onEvent({ kind: 'file-pulled', name, bytes, heldBytes, leftMs });
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
