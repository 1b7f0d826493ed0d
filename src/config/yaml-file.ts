/**
 * YAML files checked against a schema, with the line and column of everything that is wrong:
 * `file:line:column: training.learningRate: expected number, got string "fast"`.
 */
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter } from 'yaml';
import type * as z from 'zod';
import { readAtMost } from '../platform/node/read-at-most.ts';
import { ConfigError } from './config-error.ts';
import { otherKindText } from './file-kinds.ts';
import { inputSchemaOf } from './json-schema.ts';
import { type Problem, problemsOf } from './problem-text.ts';
import { yamlDocument } from './yaml-document.ts';

/** A larger file is refused before it is read. An allow-list of 10,000 keys fits. */
export const yamlBytesMax = 1 << 20;

/** More problems than this are counted, not listed. */
const problemsShownMax = 20;
/** Of more it is not even looked for where they are: each is looked for among all keys of its map. */
const problemsPlacedMax = 1000;

/** A check of the whole value, after every field fits: the first combination that cannot work, or null. */
export type CombinationCheck<T> = (
  value: T,
) => { readonly path: readonly PropertyKey[]; readonly message: string } | null;

/** Puts what other files say in the place of their names, before anything is checked. */
export type Expansion = (value: unknown) => Promise<{
  readonly value: unknown;
  /** Why a file cannot be taken, at the field that names it. */
  readonly problem: { readonly path: readonly PropertyKey[]; readonly message: string } | null;
}>;

/** Reads and checks a file. @throws ConfigError with one line per problem. */
export async function loadYamlFile<T>(
  file: string,
  schema: z.ZodType<T>,
  check: CombinationCheck<T> = () => null,
  expand: Expansion = async (value) => ({ value, problem: null }),
): Promise<T> {
  const written = parsed(await readConfigText(file), file);
  const { value, problem } = await expand(plainValue(written.document, file));
  if (problem !== null) throw wrong([{ ...problem, at: 'value' }], written);
  return checked(value, written, schema, check);
}

/** As `loadYamlFile` for text already read; `file` is the name to show. @throws ConfigError */
export function parseYaml<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  check: CombinationCheck<T> = () => null,
): T {
  const written = parsed(text, file);
  return checked(plainValue(written.document, file), written, schema, check);
}

interface Written {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

function parsed(text: string, file: string): Written {
  const { document, lines, problems } = yamlDocument(text);
  if (problems.length > 0) {
    throw new ConfigError(
      'BAD_CONFIG',
      listed(
        problems.map(({ message, at }) => `${place(file, lines, at)}: this is not valid YAML: ${message}`),
      ),
    );
  }
  return { file, document, lines };
}

function checked<T>(value: unknown, written: Written, schema: z.ZodType<T>, check: CombinationCheck<T>): T {
  const { file } = written;
  if (value === null || value === undefined) {
    throw new ConfigError('BAD_CONFIG', `${file}:1:1: the file is empty; docs/CONFIG.md lists its fields`);
  }
  const { success, data, error } = schema.safeParse(value, { reportInput: false });
  if (!success) {
    const unknown = error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [],
    );
    const otherKind = otherKindText(unknown);
    if (otherKind !== null) throw new ConfigError('BAD_CONFIG', `${file}: ${otherKind}`);
    const outline = inputSchemaOf(schema);
    const problems: Problem[] = [];
    let untold = 0;
    for (const issue of error.issues) {
      const room = problemsPlacedMax - problems.length;
      const [told, rest] = parted(issue, room);
      if (told !== null) problems.push(...problemsOf(told, value, outline));
      untold += rest;
    }
    throw wrong(problems, written, untold);
  }
  const impossible = check(data);
  if (impossible) throw wrong([{ ...impossible, at: 'value' }], written);
  return data;
}

function plainValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError('BAD_CONFIG', `${file}:1:1: the YAML cannot be expanded: ${reason}`);
  }
}

async function readConfigText(file: string): Promise<string> {
  try {
    const bytes = await readAtMost(file, yamlBytesMax);
    if (bytes !== null) return bytes.toString('utf8');
    throw new ConfigError('BAD_CONFIG', `${file}: it has more than ${yamlBytesMax} bytes; is it YAML?`);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError('UNREADABLE_CONFIG', `${file}: ${readFailure(error as NodeJS.ErrnoException)}`);
  }
}

function readFailure(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'no such file; check the path';
    case 'EISDIR':
      return 'this is a directory; name the YAML file in it';
    case 'EACCES':
      return 'not readable by you; check its permissions';
    default:
      return `cannot be read: ${error.message}`;
  }
}

/** As much of an issue as there is room for, null for none, and how many problems are left of it. */
function parted(issue: z.core.$ZodIssue, room: number): [told: z.core.$ZodIssue | null, rest: number] {
  if (issue.code !== 'unrecognized_keys') return room > 0 ? [issue, 0] : [null, 1];
  const keys = issue.keys.slice(0, room);
  return [{ ...issue, keys }, issue.keys.length - keys.length];
}

/** `untold`: so many problems more. */
function wrong(problems: readonly Problem[], { file, document, lines }: Written, untold = 0): ConfigError {
  const placed = problems.map((problem) => {
    const offset = offsetOf(document, problem);
    const name = problem.path.length > 0 ? `${dotted(problem.path)}: ` : '';
    return { offset, text: `${place(file, lines, offset)}: ${name}${problem.message}` };
  });
  return new ConfigError(
    'BAD_CONFIG',
    listed(
      placed.sort((a, b) => a.offset - b.offset).map(({ text }) => text),
      untold,
    ),
  );
}

function listed(texts: readonly string[], untold = 0): string {
  const rest = texts.length - problemsShownMax + untold;
  return [...texts.slice(0, problemsShownMax), ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n');
}

function place(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
}

/** `a.b[2].c` */
function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i > 0 ? '.' : ''}${String(step)}`))
    .join('');
}

/** Where the path is in the text; for a field that is not there, where its nearest ancestor is. */
function offsetOf(document: Document, problem: Problem): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of problem.path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    let key: unknown;
    if (isMap(node)) {
      const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === step);
      if (!pair) return offset;
      key = pair.key;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
    } else {
      return offset;
    }
    const wantsKey = problem.at === 'key' && depth === problem.path.length - 1;
    offset = (wantsKey ? undefined : startOf(node)) ?? startOf(key) ?? offset;
    // The key of an object says more than its first field, where the field that is missing is not.
    if (!wantsKey && isMap(node)) offset = startOf(key) ?? offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
