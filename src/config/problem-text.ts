/** Words for what zod found wrong: what was expected, what was got, in a sentence for people. */
import type * as z from 'zod';
import { closestWord } from './closest.ts';
import { childOf, type JsonSchema, knownKeys } from './json-schema.ts';

/** One thing wrong with a document. `at` says whether to point at the key or at its value. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly at: 'key' | 'value';
  readonly message: string;
}

const shownCharactersMax = 40;

/** Every problem of one zod issue: one for each unknown key, else one. */
export function problemsOf(issue: z.core.$ZodIssue, document: unknown, schema: JsonSchema): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, document, issue.path);
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      at: 'key',
      message: unknownKeyText(known, key),
    }));
  }
  const given = issue.path.reduce<unknown>(childOf, document);
  return [{ path: issue.path, at: 'value', message: messageOf(issue, given) }];
}

function unknownKeyText(known: readonly string[], key: string): string {
  const meant = closestWord(key, known);
  const hint = meant === null ? '' : ` did you mean ${meant}?`;
  return `unknown key;${hint} known here: ${known.join(', ')}`;
}

function messageOf(issue: z.core.$ZodIssue, given: unknown): string {
  const got = given === undefined ? 'nothing: it is required' : describe(given);
  switch (issue.code) {
    case 'invalid_type':
      // What no value fits says itself why.
      if (issue.expected === 'never') return issue.message;
      return `expected ${issue.expected === 'int' ? 'whole number' : issue.expected}, got ${got}`;
    case 'invalid_value':
      return `expected ${wordsOf(issue.values)}, got ${got}`;
    case 'invalid_union': {
      const options = (issue as { options?: readonly unknown[] }).options;
      return options
        ? `expected ${wordsOf(options)}, got ${got}`
        : `fits none of the forms allowed here, got ${got}`;
    }
    case 'too_small':
      return `expected ${sized(issue.origin, `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`)}, got ${measure(issue.origin, given)}`;
    case 'too_big':
      return `expected ${sized(issue.origin, `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`)}, got ${measure(issue.origin, given)}`;
    case 'invalid_format':
      return `${issue.message.replace(/^(?!(expected|is no|must be) )/, 'expected ')}, got ${got}`;
    default:
      return `${issue.message}, got ${got}`;
  }
}

/** `undefined` among them stands for a default. */
function wordsOf(values: readonly unknown[]): string {
  return values
    .filter((value) => value !== undefined)
    .map((value) => JSON.stringify(value))
    .join(' or ');
}

/** `limit` ends in a number. */
function sized(origin: string, limit: string): string {
  if (origin === 'array') return `a number of entries of ${limit}`;
  if (origin !== 'string') return limit;
  return `${limit} ${limit.endsWith(' 1') ? 'character' : 'characters'}`;
}

/** Of a text that stands for a number, as on a command line, the number. */
function measure(origin: string, given: unknown): string {
  if (Array.isArray(given) || (typeof given === 'string' && origin === 'string')) return String(given.length);
  return String(given);
}

/** Type and, where it is short, the value itself. */
function describe(given: unknown): string {
  if (given === null) return 'nothing (null)';
  if (Array.isArray(given)) return `list of ${given.length}`;
  if (typeof given === 'object') return 'object';
  const text = JSON.stringify(given) ?? String(given);
  const shown = text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}...` : text;
  return `${typeof given} ${Number.isNaN(given) ? 'NaN' : shown}`;
}
