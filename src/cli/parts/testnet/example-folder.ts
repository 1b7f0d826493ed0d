/** A folder that is a whole experiment: `run.yaml`, and beside it the data of each node. */
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from '../../../config/config-error.ts';

const RUN_FILE = 'run.yaml';
/** What else lies in such a folder and is nobody's data. */
const aboutIt = /^(\..*|readme.*|licen[cs]e.*|citation.*|.*\.(md|ya?ml|html))$/i;

export interface ExampleFolder {
  readonly runFile: string;
  /** In the order of their names. */
  readonly dataPaths: readonly string[];
}

/** Null for what is no folder. `forAll`: files that the run names itself, which belong to no node. @throws ConfigError where there is no run, or no data for at least two nodes */
export function exampleFolder(path: string, forAll: readonly string[] = []): ExampleFolder | null {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return null;
  const names = readdirSync(path).sort();
  if (!names.includes(RUN_FILE)) {
    throw new ConfigError(
      'BAD_USAGE',
      `${path}: expected a ${RUN_FILE} in this folder; name a file of a run instead`,
    );
  }
  const common = new Set(forAll.map((file) => resolve(file)));
  const dataPaths = names
    .filter((name) => !aboutIt.test(name))
    .map((name) => join(path, name))
    .filter((file) => !common.has(resolve(file)));
  if (dataPaths.length < 2) {
    throw new ConfigError(
      'BAD_USAGE',
      `${path}: expected the data of at least two nodes beside ${RUN_FILE}, a file or a folder each, found ${dataPaths.length}`,
    );
  }
  return { runFile: join(path, RUN_FILE), dataPaths };
}
