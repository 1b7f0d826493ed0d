/** What the examples of a node have paid with, in its directory: forgotten, it would be spent again. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  emptyLedger,
  PrivacyLedger,
  type PrivacyLedgerData,
  privacyLedgerSchema,
} from '../learning/private/privacy-ledger.ts';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';
import type { PrivacySpec } from '../run/privacy-spec.ts';
import { RUNS_FOLDER } from './directory.ts';

const fileName = 'privacy.json';

class PrivacyFileError extends Error {
  override readonly name = 'PrivacyFileError';
  readonly code: 'BAD_PRIVACY_FILE' | 'NO_PRIVACY_FILE';

  constructor(code: PrivacyFileError['code'], sentence: string) {
    super(sentence);
    this.code = code;
  }
}

/** Null where there is none. @throws PrivacyFileError */
async function readPrivacyFile(directory: string): Promise<PrivacyLedgerData | null> {
  const file = join(directory, fileName);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return privacyLedgerSchema.parse(JSON.parse(text));
  } catch {
    throw new PrivacyFileError(
      'BAD_PRIVACY_FILE',
      `${file} cannot be read: it says how much privacy the examples of this node have spent, so nothing goes on without it; put a copy in ` +
        'its place (what was spent since is seen in the logs of the runs), or begin anew with an empty --dir',
    );
  }
}

/** @throws PrivacyFileError also where there is none */
export async function keptPrivacyFile(directory: string): Promise<PrivacyLedgerData> {
  const data = await readPrivacyFile(directory);
  if (data !== null) return data;
  if (!existsSync(join(directory, RUNS_FOLDER))) {
    throw new PrivacyFileError(
      'NO_PRIVACY_FILE',
      `${directory} is no directory of a node that has taken part in a run; of a testnet name that of one of its nodes, as ${join(directory, 'node-00')}`,
    );
  }
  throw new PrivacyFileError(
    'NO_PRIVACY_FILE',
    `there is no ${join(directory, fileName)}: no budget was given to a node of this directory, and no run demanded one`,
  );
}

/**
 * The ledger of a node's directory. `given` replaces the budget of the node; left out, it stays: a budget is the directory's, and not of one
 * start. @throws PrivacyFileError
 */
export async function openPrivacyLedger(
  directory: string,
  given: PrivacySpec | undefined,
  tell: (sentence: string) => void,
): Promise<PrivacyLedger> {
  const stored = (await readPrivacyFile(directory)) ?? emptyLedger;
  const keep = (data: PrivacyLedgerData): Promise<void> =>
    writeFileAtomically(join(directory, fileName), [`${JSON.stringify(data, null, 2)}\n`]);
  const { budget } = stored;
  if (given === undefined || JSON.stringify(given) === JSON.stringify(budget)) {
    return new PrivacyLedger(stored, keep);
  }
  if (budget !== null && (given.epsilon > budget.epsilon || given.delta > budget.delta)) {
    tell(
      `the privacy budget of this directory is raised from epsilon ${budget.epsilon} (delta ${budget.delta}) to ${given.epsilon} ` +
        `(delta ${given.delta}): what was promised before holds no more`,
    );
  }
  const earlierBudgets = budget === null ? stored.earlierBudgets : [...stored.earlierBudgets, budget];
  const data = { ...stored, budget: given, earlierBudgets };
  await keep(data);
  return new PrivacyLedger(data, keep);
}
