/** Right answers that are hashed in a log and told later: the file of who knows them. */
import * as z from 'zod';
import type { Crypto } from '../../../core/crypto.ts';
import { parseJson } from '../../../core/parse-json.ts';
import {
  type GoldReveal,
  goldCommitment,
  goldPerEntry,
  goldReveal,
} from '../../../entries/labels/gold-kind.ts';
import { writeFileAtomically } from '../../../platform/node/atomic-file.ts';
import { readAtMost } from '../../../platform/node/read-at-most.ts';
import { DataFileError } from '../../../tasks/datasets/data-error.ts';
import type { NodesProject } from './label-project.ts';

const bytesMax = 16 << 20;
const fileSchema = z.strictObject({ project: z.string(), lists: z.array(goldReveal).min(1).max(512) });

export interface KnownAnswer {
  readonly record: string;
  readonly value: string;
}

/**
 * So many of them, drawn: `below` gives a whole number from 0 up to its argument, not included. Which of those that are known are tried must
 * not follow from the file that all get to read.
 */
export function drawnGold(
  known: readonly KnownAnswer[],
  count: number,
  below: (end: number) => number,
): readonly KnownAnswer[] {
  const left = [...known];
  const drawn: KnownAnswer[] = [];
  while (drawn.length < count && left.length > 0) drawn.push(...left.splice(below(left.length), 1));
  return drawn;
}

/** Each with a salt of its own: `salt` gives 32 bytes as hexadecimal digits. */
export function goldLists(answers: readonly KnownAnswer[], salt: () => string): readonly GoldReveal[] {
  return Array.from({ length: Math.ceil(answers.length / goldPerEntry) }, (_, at) => ({
    salt: salt(),
    answers: answers.slice(at * goldPerEntry, (at + 1) * goldPerEntry),
  }));
}

/** For its user alone. */
export async function writeGold(file: string, project: string, lists: readonly GoldReveal[]): Promise<void> {
  await writeFileAtomically(file, [`${JSON.stringify({ project, lists })}\n`], 0o600);
}

/** @throws DataFileError for another file, or of another project; system errors */
export async function readGold(file: string, project: string): Promise<readonly GoldReveal[]> {
  const bytes = await readAtMost(file, bytesMax);
  const { data } = fileSchema.safeParse(bytes === null ? undefined : parseJson(bytes.toString('utf8')));
  if (data === undefined)
    throw new DataFileError(`${file} holds no right answers; name what \`label import --gold-out\` wrote`);
  if (data.project !== project) throw new DataFileError(`${file} is of another project: ${data.project}`);
  return data.lists;
}

/** Of an import that was cut short and knew the same; null where there is no such file, or it says anything else. */
export async function earlierGold(
  file: string,
  project: string,
  known: readonly KnownAnswer[],
): Promise<readonly GoldReveal[] | null> {
  const lists = await readGold(file, project).catch(() => null);
  const values = new Map(known.map(({ record, value }) => [record, value]));
  const isOf = ({ answers }: GoldReveal): boolean =>
    answers.every(({ record, value }) => values.get(record) === value);
  return lists?.every(isOf) ? lists : null;
}

/** Those that the node has hashed and not told yet, with the round in which it did. */
export function hiddenLists(
  lists: readonly GoldReveal[],
  { goldHidden, peerKey }: Pick<NodesProject, 'goldHidden' | 'peerKey'>,
  crypto: Pick<Crypto, 'sha256'>,
): readonly { readonly list: GoldReveal; readonly committed: number }[] {
  // Another owner may have copied a hash, later.
  const own = goldHidden.filter(({ author }) => author === peerKey);
  const rounds = new Map(own.map(({ hash, round }) => [hash, round]));
  return lists.flatMap((list) => {
    const committed = rounds.get(goldCommitment(crypto, peerKey, list));
    return committed === undefined ? [] : [{ list, committed }];
  });
}
