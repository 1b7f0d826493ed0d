/** The final log of a run between a node's store and a file: written, read back, and folded again from the file alone. */

import { createReadStream, existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { blobRoot } from '../content/blob.ts';
import { reasonOf } from '../core/as-error.ts';
import { bytesToHex } from '../core/bytes.ts';
import type { FoldObserver, UndoObserver } from '../entries/delta/fold-deltas.ts';
import { initialVector, vectorHash, vectorOfFile } from '../learning/initial.ts';
import {
  ArchiveError,
  ArchiveFold,
  ArchiveFrames,
  type ArchiveParts,
  archivePieces,
  atOnce,
  type FoldedArchive,
} from '../log/archive.ts';
import { decodeState } from '../log/snapshot.ts';
import { isArchiveKey, isBaseKey, isLogKey } from '../log/store-keys.ts';
import type { DeltaLogParts } from '../methods/delta-log/log-parts.ts';
import type { LogParts } from '../methods/log-parts.ts';
import { logOf, trains } from '../methods/registry.ts';
import { besideManifest, readManifestFile } from '../node/files/manifest-file.ts';
import { NodeError } from '../node/node-error.ts';
import { refuseTooLarge } from '../node/run-facts.ts';
import { runPrefix, storeView } from '../node/store-view.ts';
import { amount, span } from '../node/words/amount.ts';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';
import { createCrypto } from '../platform/node/crypto.ts';
import { openLevelStore } from '../platform/node/level-store.ts';
import { linkOrCopy } from '../platform/node/link-or-copy.ts';
import { ManifestError, manifestBytesMax, openManifest, type SignedManifest } from '../run/manifest.ts';
import { baseFile, type RunFile, startFile, type trainingFile } from '../run/run-files.ts';
import { parameterCount } from '../tasks/models/model-layout.ts';
import { ModelParts } from '../tasks/models/personal-layers.ts';
import { externalFactsOf } from '../tasks/models/registry.ts';
import { filesFolder, MANIFEST_FILE, nodesIn, RUNS_FOLDER } from './directory.ts';
import { exportTrainings, stopFirst } from './kept-trainings.ts';

export interface ArchiveSummary {
  readonly runId: string;
  readonly name: string;
  /** First round whose entries are there; 0 where the archive begins with the start vector. */
  readonly fromRound: number;
  /** Last round that is folded. */
  readonly round: number;
  readonly entries: number;
  readonly authors: ReadonlyArray<{ readonly author: string; readonly entries: number }>;
  readonly countedRounds: number;
  readonly rounds: number;
  /** False where the run is its log and nothing else, and has no last round. */
  readonly trains: boolean;
  readonly root: string;
  /** SHA-256 of the model after the last round, as the status of a node and its saved model have it; of what a log without one comes to. */
  readonly modelHash: string;
}

const crypto = createCrypto();

/**
 * Writes what is final and stored, and reads it back before it is called written. `run`: an id or its beginning, empty where there
 * is one. @throws NodeError, StoreError while the node runs, ArchiveError
 */
export async function exportLog(
  directory: string,
  run: string,
  out: string,
): Promise<ArchiveSummary & { readonly bytes: number; readonly trainings: number }> {
  const { signed, pieces } = await piecesOf(directory, run, out);
  const start = signed.manifest.files?.find(({ name }) => name === startFile);
  if (start) {
    const kept = keptIn(directory, signed.runId, out)(startFile, start);
    await linkOrCopy(kept, besideManifest(out, startFile));
  }
  await writeFileAtomically(out, pieces);
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  const trainings = await exportTrainings(directory, signed.runId, out);
  return { ...(await verifyLog(out)), bytes, trainings };
}

/** Where the files of a run are in a node's directory; what is none of them lies beside `manifest`. */
const keptIn =
  (directory: string, runId: string, manifest: string): FilePlace =>
  (name, file) =>
    file ? join(filesFolder(directory, runId), file.root) : besideManifest(manifest, name);

/** An archive of what is final and stored. @throws NodeError, StoreError while the node runs, ArchiveError */
async function piecesOf(
  directory: string,
  run: string,
  beside?: string,
): Promise<{
  readonly signed: SignedManifest;
  readonly pieces: readonly Uint8Array[];
  readonly placeOf: FilePlace;
}> {
  const signed = await manifestOf(directory, run);
  const manifestFile = join(directory, RUNS_FOLDER, signed.runId, MANIFEST_FILE);
  const placeOf = keptIn(directory, signed.runId, beside ?? manifestFile);
  const parts = partsOf(signed, await startOf(signed, placeOf));
  const { entries, bases } = await storedOf(directory, signed.runId);
  const last = bases.at(-1);
  const state = last && decodeState(parts.kinds, last);
  if (!state) {
    const { snapshotRounds, slotMs } = parts.frame;
    throw new NodeError(
      'NOTHING_FINAL',
      `no snapshot of run ${signed.runId} is here, and what is final is read up to the last one: a node keeps one every ${amount(snapshotRounds, 'round')} (${span(snapshotRounds * slotMs)}), and when the run is over; start it again, and ask later`,
    );
  }
  const tail = { round: state.round, root: state.root };
  const final = entries.filter(({ round }) => round <= state.round);
  const whole = final.map(({ value }) => value);
  const first = bases[0]!;
  const since = decodeState(parts.kinds, first)?.round ?? -1;
  const later = final.flatMap(({ round, value }) => (round > since ? [value] : []));
  const manifest = signed.bytes;
  // All of it, where all was kept; else from the oldest snapshot.
  const pieces = comesTo(tail, null, whole, parts)
    ? [...archivePieces({ manifest, start: null }, whole, tail)]
    : [...archivePieces({ manifest, start: first }, later, tail)];
  return { signed, pieces, placeOf };
}

/** Reads an archive and folds it. @throws ArchiveError, ManifestError, system errors; each names the file */
export async function verifyLog(file: string, signal?: AbortSignal): Promise<ArchiveSummary> {
  return foldFile(file, { signal });
}

/** Where what a run needs lies; `file` where its manifest names it. */
type FilePlace = (name: string, file: RunFile | undefined) => string;

/** Those of a run that trains know of its deltas. */
export type AnyParts = LogParts | DeltaLogParts;

/** Files of a run that say what was trained, and on what. */
type ReadableFile = typeof baseFile | typeof trainingFile;

export type FileReader = (name: ReadableFile) => Promise<Float32Array | null>;

/** What looks on while an archive is folded. */
export interface ArchiveReader {
  readonly signal?: AbortSignal | undefined;
  readonly observeFold?: FoldObserver;
  readonly observeUndo?: UndoObserver;
  readonly onStart?: ArchiveParts['onStart'];
  readonly onRound?: ArchiveParts['onRound'];
  /** Before the first entry; `fileOf` reads a file of the run, null where it has none of that name. */
  opened?(signed: SignedManifest, parts: AnyParts, fileOf: FileReader): Promise<void>;
  /** Whenever something was folded, so that what was seen need not be kept. */
  settle?(): Promise<void>;
}

/** Folds an archive, or what the directory of a node that is not running holds, before a reader. @throws as `verifyLog`, `exportLog` */
export async function readLog(place: string, run: string, reader: ArchiveReader): Promise<ArchiveSummary> {
  if (!(await stat(place)).isDirectory()) return foldFile(place, reader);
  const { pieces, placeOf } = await piecesOf(place, run);
  return foldPieces(pieces, placeOf, reader);
}

async function foldFile(file: string, reader: ArchiveReader): Promise<ArchiveSummary> {
  try {
    return await foldPieces(createReadStream(file), (name) => besideManifest(file, name), reader);
  } catch (error) {
    const message = `${file}: ${reasonOf(error)}`;
    if (error instanceof ArchiveError) throw Object.assign(error, { message });
    if (error instanceof ManifestError) throw new ManifestError(message, { cause: error });
    // What is opened and is no file fails when it is read, without its name.
    if (error instanceof Error && 'syscall' in error) throw Object.assign(error, { path: file });
    throw error;
  }
}

async function foldPieces(
  pieces: AsyncIterable<unknown> | Iterable<Uint8Array>,
  placeOf: FilePlace,
  reader: ArchiveReader,
): Promise<ArchiveSummary> {
  const frames = new ArchiveFrames(undefined, manifestBytesMax);
  let signed: SignedManifest | null = null;
  let fold: ArchiveFold | null = null;
  let isTail = false;
  let folded: FoldedArchive | null = null;
  let parts: AnyParts | null = null;
  for await (const piece of pieces) {
    for (const frame of frames.take(piece as Uint8Array)) {
      if (folded) throw new ArchiveError('the archive goes on after its end');
      if (!signed || !parts) {
        const opened = openManifest(frame.slice(), crypto);
        signed = opened;
        parts = partsOf(opened, await startOf(opened, placeOf), reader);
        await reader.opened?.(opened, parts, (name) => vectorNamed(name, opened, placeOf));
      } else if (!fold) {
        fold = foldOf(parts, frame.length > 0 ? frame.slice() : null, reader);
      } else if (isTail) folded = await inTurns(fold.finish(frame), reader);
      else if (frame.length === 0) isTail = true;
      else await inTurns(fold.add(frame.slice()), reader);
      await reader.settle?.();
      reader.signal?.throwIfAborted();
    }
  }
  if (!signed || !parts || !folded || !frames.isEmpty)
    throw new ArchiveError('the archive ends in the middle');
  return summaryOf(signed, parts, folded);
}

/** Whoever stops us is heard between steps. @throws what the signal was aborted with */
async function inTurns<Result>(
  steps: Generator<void, Result>,
  reader: Pick<ArchiveReader, 'signal' | 'settle'>,
): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await reader.settle?.();
    await setImmediate();
    reader.signal?.throwIfAborted();
  }
}

function summaryOf(signed: SignedManifest, parts: LogParts, folded: FoldedArchive): ArchiveSummary {
  const { state, fromRound, entries, authors } = folded;
  return {
    ...{ runId: signed.runId, name: signed.manifest.name, fromRound, round: state.round, entries },
    authors: [...authors]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([author, count]) => ({ author, entries: count })),
    ...{ countedRounds: state.pace.counted, rounds: signed.manifest.rounds },
    trains: trains(signed.manifest.strategy),
    ...{ root: bytesToHex(state.root), modelHash: bytesToHex(crypto.sha256(parts.resultOf(state))) },
  };
}

function comesTo(
  tail: { readonly round: number; readonly root: Uint8Array },
  start: Uint8Array | null,
  envelopes: readonly Uint8Array[],
  parts: LogParts,
): boolean {
  const fold = foldOf(parts, start);
  try {
    for (const envelope of envelopes) atOnce(fold.add(envelope));
    atOnce(fold.finishAt(tail));
    return true;
  } catch (error) {
    if (error instanceof ArchiveError) return false;
    throw error;
  }
}

function foldOf(
  parts: LogParts,
  start: Uint8Array | null,
  { onStart, onRound }: Pick<ArchiveReader, 'onStart' | 'onRound'> = {},
): ArchiveFold {
  return new ArchiveFold(start, { ...parts, crypto, onStart, onRound });
}

/** Null where there is no file of that length. */
async function fileOf(path: string, bytes: number): Promise<Uint8Array | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() && found.size === bytes ? readFile(path) : null;
}

/** The start vector where no seed gives it; null where it does. @throws NodeError where it is not in its place */
async function startOf(
  { manifest, runId }: SignedManifest,
  placeOf: FilePlace,
): Promise<Float32Array | null> {
  const { files, model, seed } = manifest;
  const start = files?.find(({ name }) => name === startFile);
  if (start === undefined && externalFactsOf(model) === null) return null;
  const path = placeOf(startFile, start);
  const bytes = start?.bytes ?? 4 * parameterCount(model);
  const found = await fileOf(path, bytes);
  if (found) return vectorOfFile(found);
  throw new NodeError(
    'OTHER_START_VECTOR',
    start === undefined
      ? `run ${runId} begins at what its trainer alone can build, expected as ${path}: \`starlings trainer manifest --seed ${seed} --start FILE\` writes it`
      : `run ${runId} begins at a file of ${bytes} bytes, which is expected as ${path}: copy it from a node or from beside the manifest`,
  );
}

/** A file of the run; null where it has none of that name. @throws NodeError where it is not in its place */
async function vectorNamed(
  name: ReadableFile,
  { manifest, runId }: SignedManifest,
  placeOf: FilePlace,
): Promise<Float32Array | null> {
  const file = manifest.files?.find((one) => one.name === name);
  if (file === undefined) return null;
  const path = placeOf(name, file);
  const found = await fileOf(path, file.bytes);
  if (found && bytesToHex(blobRoot(crypto, found)) === file.root) return vectorOfFile(found);
  const what = name === baseFile ? 'adds to a model' : 'trains on a file';
  throw new NodeError(
    'OTHER_START_VECTOR',
    `run ${runId} ${what} of ${file.bytes} bytes, which is expected as ${path}: copy it from a node or from beside the manifest`,
  );
}

/** `start` where the run begins at a file of its own. @throws NodeError for a run without a log, or of another version */
function partsOf(
  { manifest, runId }: SignedManifest,
  start: Float32Array | null,
  { observeFold, observeUndo }: Pick<ArchiveReader, 'observeFold' | 'observeUndo'> = {},
): AnyParts {
  const { strategy } = manifest;
  const log = logOf(strategy);
  if (!log) {
    throw new NodeError(
      'NO_LOG',
      `run ${runId} keeps no log: with ${strategy.id} each peer has a model of its own`,
    );
  }
  refuseTooLarge(runId, manifest);
  const initial = start ?? initialVector(manifest.model, manifest.seed);
  if (vectorHash(initial) !== manifest.initHash) {
    throw new NodeError(
      'OTHER_START_VECTOR',
      start === null
        ? `this version of starlings builds another start vector than run ${runId} asks for; use the creator's version`
        : `the start vector beside the archive is not the one that run ${runId} asks for`,
    );
  }
  const { shared } = new ModelParts(manifest.model, manifest.shared).split(initial);
  return (log.deltas ?? log).parts(manifest, runId, {
    crypto,
    initial: shared,
    random: () => 0,
    ...{ observeFold, observeUndo },
  });
}

async function manifestOf(directory: string, run: string): Promise<SignedManifest> {
  if (!existsSync(directory))
    throw new NodeError('UNKNOWN_RUN', `${directory} does not exist; check the path`);
  const folder = join(directory, RUNS_FOLDER);
  const held = (await readdir(folder).catch(() => [])).filter((id) =>
    existsSync(join(folder, id, MANIFEST_FILE)),
  );
  const named = held.filter((id) => id.startsWith(run));
  const [runId] = named;
  if (runId === undefined) {
    const there =
      held.length > 0
        ? `it has ${held.join(', ')}`
        : (nodesIn(directory) ?? 'it is no directory of a node that has taken part in a run');
    const what = run === '' ? 'knows no run' : `knows no run ${run}`;
    throw new NodeError('UNKNOWN_RUN', `${directory} ${what}; ${there}`);
  }
  if (named.length > 1) {
    throw new NodeError(
      'UNKNOWN_RUN',
      `${directory} has ${named.length} such runs; name one with --run: ${named.join(', ')}`,
    );
  }
  return readManifestFile(join(folder, runId, MANIFEST_FILE), crypto, runId);
}

interface Stored {
  /** In order of round and place. */
  readonly entries: ReadonlyArray<{ readonly round: number; readonly value: Uint8Array }>;
  /** Oldest first. */
  readonly bases: readonly Uint8Array[];
}

async function storedOf(directory: string, runId: string): Promise<Stored> {
  const store = await openLevelStore(join(directory, 'store'), stopFirst);
  try {
    const archived: Array<{ round: number; value: Uint8Array }> = [];
    const open: Array<{ round: number; value: Uint8Array }> = [];
    const bases: Uint8Array[] = [];
    for await (const [key, value] of storeView(store, runPrefix(runId)).entries()) {
      const round = Number(key.replace(/^archive\//, '').split('/')[1]);
      if (isArchiveKey(key)) archived.push({ round, value });
      else if (isLogKey(key)) open.push({ round, value });
      else if (isBaseKey(key)) bases.push(value);
    }
    return { entries: [...archived, ...open], bases };
  } finally {
    await store.close();
  }
}
