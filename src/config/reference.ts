/** Writes the reference of the configuration files from their schemas, so that it cannot go stale unnoticed. */
import type * as z from 'zod';
import { branchesOf, inputSchemaOf, type JsonSchema } from './json-schema.ts';

export interface ReferenceSection {
  readonly title: string;
  /** What the file is for, in Markdown. */
  readonly introduction: string;
  readonly schema: z.ZodType;
  /** Paths of objects that an earlier section describes. */
  readonly describedAbove?: readonly string[];
}

/** The whole of docs/CONFIG.md. */
export function renderReference(sections: readonly ReferenceSection[]): string {
  const parts = [
    '# Configuration reference',
    'Generated from the schemas by `npm run docs:config`; a test fails where it is out of date. Every file is',
    'YAML; an unknown key, a wrong type or a combination that cannot work is refused with file, line and column.',
    'Descriptions end with where a default comes from: a paper, a measurement or a guess.',
  ];
  const told: Told = new Map();
  const bodies = sections.map(({ title, introduction, schema, describedAbove = [] }) =>
    [`## ${title}`, introduction, ...tables(inputSchemaOf(schema), '', describedAbove, told)].join('\n\n'),
  );
  return `${[parts[0], parts.slice(1).join('\n'), ...bodies].join('\n\n')}\n`;
}

interface Nested {
  readonly path: string;
  readonly schema: JsonSchema;
}

/** Where the forms of an object were described first, by their text. */
type Told = Map<string, string>;

/** One table for each object and each form of a union, outer ones first; what was told before is only named. */
function tables(schema: JsonSchema, path: string, skipped: readonly string[], told: Told): string[] {
  if (skipped.includes(path)) return [];
  const text = JSON.stringify(branchesOf(schema));
  const before = told.get(text);
  if (before !== undefined) return [`\`${path}\`: the forms of \`${before}\` above.`];
  if (path !== '') told.set(text, path);
  const forms = branchesOf(schema).filter((form) => form.properties !== undefined);
  return forms.flatMap((form) => {
    const tag = forms.length > 1 ? constantOf(form) : null;
    const heading = path === '' ? [] : [`### \`${path}\`${tag ? ` with \`${tag.key}: ${tag.value}\`` : ''}`];
    const note = tag?.description ? [sentence(tag.description)] : [];
    const rows = Object.entries(form.properties ?? {})
      .filter(([key]) => key !== tag?.key)
      .map(([key, field]) => row(key, field, form.required?.includes(key) ?? false));
    const table =
      rows.length > 0
        ? [['| field | type | range | default | meaning |', '|---|---|---|---|---|', ...rows].join('\n')]
        : ['No further fields.'];
    const nested = Object.entries(form.properties ?? {}).flatMap(([key, field]) =>
      nestedOf(key, field, path),
    );
    return [
      ...heading,
      ...note,
      ...table,
      ...nested.flatMap((below) => tables(below.schema, below.path, skipped, told)),
    ];
  });
}

function nestedOf(key: string, field: JsonSchema, path: string): Nested[] {
  const here = path === '' ? key : `${path}.${key}`;
  if (branchesOf(field).some((form) => form.properties)) return [{ path: here, schema: field }];
  const { items } = field;
  return items && branchesOf(items).some((form) => form.properties)
    ? [{ path: `${here}[]`, schema: items }]
    : [];
}

/** The field that tells the forms of a union apart. */
function constantOf(
  form: JsonSchema,
): { key: string; value: string; description: string | undefined } | null {
  for (const [key, field] of Object.entries(form.properties ?? {})) {
    if (field.const !== undefined) return { key, value: String(field.const), description: field.description };
  }
  return null;
}

function row(key: string, field: JsonSchema, required: boolean): string {
  const fallback = required ? 'required' : field.default === undefined ? 'none' : code(field.default);
  const cells = [`\`${key}\``, typeOf(field), rangeOf(field), fallback, field.description ?? ''];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function typeOf(field: JsonSchema): string {
  if (field.const !== undefined) return code(field.const);
  if (field.enum) return field.enum.map((value) => code(value)).join(', ');
  if (field.type === 'array') {
    const each = field.prefixItems?.[0] ?? field.items;
    return `list of ${each ? typeOf(each) : 'anything'}`;
  }
  if (field.type === 'integer') return 'whole number';
  if (valuesOf(field)) return 'object';
  if (field.type) return field.type;
  const forms = branchesOf(field);
  if (forms.length === 1) return field.not ? 'nothing' : 'anything';
  const tags = forms.filter(({ type }) => type !== 'null').map(constantOf);
  if (tags.length > 1 && tags.every((tag) => tag !== null)) {
    const object = `object with \`${tags[0]?.key}\` ${tags.map((tag) => code(tag.value)).join(' or ')}`;
    return tags.length < forms.length ? `${object}, or null` : object;
  }
  return [...new Set(forms.map(typeOf))].join(' or ');
}

function rangeOf(field: JsonSchema): string {
  const forms = branchesOf(field);
  if (forms.length > 1) return forms.map(rangeOf).filter(Boolean).join(', ');
  const parts: string[] = [];
  // zod bounds every whole number by what a double holds: nobody chose that.
  const maximum = field.maximum === Number.MAX_SAFE_INTEGER ? undefined : field.maximum;
  if (field.minimum !== undefined && maximum !== undefined) {
    parts.push(`${field.minimum} to ${maximum}`);
  } else {
    if (field.minimum !== undefined) parts.push(`at least ${field.minimum}`);
    if (field.exclusiveMinimum !== undefined) parts.push(`above ${field.exclusiveMinimum}`);
    if (field.exclusiveMaximum !== undefined) parts.push(`below ${field.exclusiveMaximum}`);
    if (maximum !== undefined) parts.push(`at most ${maximum}`);
  }
  if (field.minItems !== undefined || field.maxItems !== undefined) {
    parts.push(
      field.maxItems === field.minItems
        ? `${field.minItems} entries`
        : field.maxItems === undefined
          ? `at least ${field.minItems} entries`
          : `${field.minItems ?? 0} to ${field.maxItems} entries`,
    );
  }
  const value = valuesOf(field);
  if (field.propertyNames && value) {
    parts.push(`keys ${rangeOf(field.propertyNames)}`, `values ${rangeOf(value)}`);
  }
  if (field.pattern !== undefined) parts.push(code(field.pattern, String));
  const items = field.prefixItems?.[0] ?? field.items;
  if (items) {
    const each = rangeOf(items);
    if (each) parts.push(`each ${each}`);
  }
  return parts.join('; ');
}

/** What the values of a record are. */
function valuesOf({ additionalProperties }: JsonSchema): JsonSchema | null {
  return typeof additionalProperties === 'object' ? additionalProperties : null;
}

function code(value: unknown, show: (value: unknown) => string = (shown) => JSON.stringify(shown)): string {
  return `\`${show(value)}\``;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
