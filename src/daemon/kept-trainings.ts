/** What a node has kept of its own trainings: in its store, or in a file beside an archive. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { be32 } from '../core/bytes.ts';
import type { PeerKey } from '../core/io.ts';
import { ArchiveError, ArchiveFrames } from '../log/archive.ts';
import { type EnvelopeContext, openEnvelope } from '../log/envelope.ts';
import { namedBy } from '../log/store-keys.ts';
import { decodeTraining, isTrainingKey, type TrainingRecord } from '../methods/delta-log/training-record.ts';
import { runPrefix, storeView } from '../node/store-view.ts';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';
import { openLevelStore } from '../platform/node/level-store.ts';

const MAGIC = new TextEncoder().encode('starlings-trainings/1\n');

export interface RoundRange {
  readonly from: number;
  readonly through: number;
}

export const allRounds: RoundRange = { from: 0, through: 0x7fff_ffff };

/** Where the trainings of whoever wrote an archive lie. */
const besideArchive = (archive: string): string => `${archive}.trainings`;

/** Oldest first. `place`: the directory of a node that is not running, or an archive. @throws ArchiveError, StoreError, system errors */
export async function trainingsOf(
  place: string,
  runId: string,
  range: RoundRange,
): Promise<TrainingRecord[]> {
  const isDirectory = (await stat(place)).isDirectory();
  const records: TrainingRecord[] = [];
  for await (const bytes of isDirectory ? stored(place, runId) : written(besideArchive(place))) {
    const record = decodeTraining(bytes);
    if (!record) throw new ArchiveError('what was kept of a training is damaged');
    if (record.round >= range.from && record.round <= range.through) records.push(record);
  }
  return records;
}

/** Writes them beside an archive, where there are any. Returns how many. */
export async function exportTrainings(directory: string, runId: string, archive: string): Promise<number> {
  const pieces: Uint8Array[] = [MAGIC];
  for await (const bytes of stored(directory, runId)) pieces.push(be32(bytes.length), bytes);
  if (pieces.length > 1) await writeFileAtomically(besideArchive(archive), pieces);
  return (pieces.length - 1) / 2;
}

/**
 * Rounds in which what the store of a node has of its own delta is not what the node signed, each with what is wrong; none of an
 * archive, which is refused as a whole.
 */
export async function brokenDeltas(
  place: string,
  { runId, author, envelopes }: { runId: string; author: PeerKey; envelopes: EnvelopeContext },
): Promise<ReadonlyMap<number, string>> {
  const broken = new Map<number, string>();
  if (!(await stat(place)).isDirectory()) return broken;
  for await (const [key, value] of entriesIn(place, runId)) {
    const named = namedBy(key);
    if (named?.author !== author || named.kind !== 0) continue;
    const opened = openEnvelope(value, envelopes);
    const isNamed = opened.ok && opened.envelope.id === named.id;
    if (!isNamed) broken.set(named.round, opened.ok ? 'another entry' : opened.reason);
  }
  return broken;
}

/** What is read of a store wants it to itself. */
export const stopFirst = 'stop it first: `starlings node stop`';

async function* stored(directory: string, runId: string): AsyncGenerator<Uint8Array> {
  for await (const [key, value] of entriesIn(directory, runId)) if (isTrainingKey(key)) yield value;
}

async function* entriesIn(directory: string, runId: string): AsyncGenerator<readonly [string, Uint8Array]> {
  const store = await openLevelStore(join(directory, 'store'), stopFirst);
  try {
    yield* storeView(store, runPrefix(runId)).entries();
  } finally {
    await store.close();
  }
}

async function* written(file: string): AsyncGenerator<Uint8Array> {
  if (!(await stat(file).catch(() => null))?.isFile()) return;
  const frames = new ArchiveFrames(MAGIC);
  for await (const piece of createReadStream(file))
    for (const frame of frames.take(piece as Uint8Array)) yield frame.slice();
  if (!frames.isEmpty) throw new ArchiveError(`${file} ends in the middle`);
}
