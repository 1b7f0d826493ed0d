/**
 * YAML files checked against a schema, with the line and column of everything that is wrong:
 * `file:line:column: training.learningRate: expected number, got string "fast"`.
 */
import { readFile, stat } from 'node:fs/promises';
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import { ConfigError } from './config-error.ts';
import { otherKindText } from './file-kinds.ts';
import { inputSchemaOf } from './json-schema.ts';
import { type Problem, problemsOf } from './problem-text.ts';

/** A larger file is refused before it is read. An allow-list of 10,000 keys fits. */
export const yamlBytesMax = 1 << 20;

/** More problems than this are counted, not listed. */
const problemsShownMax = 20;

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
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    throw new ConfigError(
      'BAD_CONFIG',
      listed(
        broken.map(
          (error) => `${place(file, lines, error.pos[0])}: this is not valid YAML: ${error.message}`,
        ),
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
    throw wrong(
      error.issues.flatMap((issue) => problemsOf(issue, value, outline)),
      written,
    );
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
    const { size } = await stat(file);
    if (size > yamlBytesMax) {
      throw new ConfigError(
        'BAD_CONFIG',
        `${file}: ${size} bytes are more than ${yamlBytesMax}; is it YAML?`,
      );
    }
    return await readFile(file, 'utf8');
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

function wrong(problems: readonly Problem[], { file, document, lines }: Written): ConfigError {
  const placed = problems.map((problem) => {
    const offset = offsetOf(document, problem);
    const name = problem.path.length > 0 ? `${dotted(problem.path)}: ` : '';
    return { offset, text: `${place(file, lines, offset)}: ${name}${problem.message}` };
  });
  return new ConfigError(
    'BAD_CONFIG',
    listed(placed.sort((a, b) => a.offset - b.offset).map(({ text }) => text)),
  );
}

function listed(texts: readonly string[]): string {
  const rest = texts.length - problemsShownMax;
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
