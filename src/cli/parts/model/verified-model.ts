/** A model file held against its publication, and where there is an archive of the run that trained it, against the log. */
import { verifyLog } from '../../../daemon/log-archive.ts';
import type { Publication } from '../../../entries/models/publication.ts';
import { vectorHash } from '../../../learning/initial.ts';
import { readSafetensors } from '../../../learning/model-files/safetensors.ts';
import { blobIdOf } from '../../../platform/node/blob-file.ts';
import { createCrypto } from '../../../platform/node/crypto.ts';

interface Check {
  readonly what: string;
  readonly isRight: boolean;
  readonly text: string;
}

/** @throws ModelFileError, ArchiveError, system errors */
export async function verifyModel(
  { root, bytes, kind, lineage }: Publication,
  file: string,
  archive: string | null,
): Promise<readonly Check[]> {
  const found = await blobIdOf(file, createCrypto());
  const checks = [same('root', found.root, root), same('bytes', found.bytes, bytes)];
  // What is another file is nothing to be read as a model of theirs.
  if (checks.some(({ isRight }) => !isRight)) return checks;
  const { model, vector, metadata } = await readSafetensors(file);
  checks.push(same('kind', model.kind, kind));
  if (lineage.run === undefined) return checks;
  const { runId, round, modelHash } = metadata;
  checks.push(same('run', runId ?? 'none', lineage.run.id));
  checks.push(same('round', Number(round), lineage.run.round));
  if (archive === null) return checks;
  const folded = await verifyLog(archive);
  checks.push(same('run of the archive', folded.runId, lineage.run.id));
  checks.push(same('round of the archive', folded.round, lineage.run.round));
  checks.push(same('model of the log', folded.modelHash, modelHash ?? 'none'));
  // A model with layers of its node's own, or merged with what it adds to, holds more than the log tells.
  if (metadata['personal'] === undefined) checks.push(same('weights', vectorHash(vector), folded.modelHash));
  return checks;
}

function same(what: string, found: string | number, wanted: string | number): Check {
  const isRight = found === wanted;
  return { what, isRight, text: isRight ? String(found) : `${found}, and ${wanted} was published` };
}
