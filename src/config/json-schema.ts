/** The part of JSON Schema that zod writes for our configuration, and how to walk it. */
import * as z from 'zod';

export interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  /** Of a list of fixed length. */
  readonly prefixItems?: readonly JsonSchema[];
  /** Of a record: what its keys and values are. */
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  /** Empty: no value fits. */
  readonly not?: object;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

/** What people may write: defaults are optional, everything is inline. */
export function inputSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', reused: 'inline', unrepresentable: 'any' }) as JsonSchema;
}

/** The alternatives of a union, or the schema alone. */
export function branchesOf(schema: JsonSchema): readonly JsonSchema[] {
  return (schema.oneOf ?? schema.anyOf)?.flatMap(branchesOf) ?? [schema];
}

/** The keys allowed in the object at `path` of `document`: those of the union branch its own constants choose. */
export function knownKeys(
  schema: JsonSchema,
  document: unknown,
  path: readonly PropertyKey[],
): readonly string[] {
  let here: JsonSchema | undefined = schema;
  let value = document;
  for (const step of path) {
    if (!here) return [];
    const branch = branchFor(here, value);
    here = typeof step === 'number' ? branch.items : branch.properties?.[String(step)];
    value = childOf(value, step);
  }
  return here ? Object.keys(branchFor(here, value).properties ?? {}) : [];
}

function branchFor(schema: JsonSchema, value: unknown): JsonSchema {
  const branches = branchesOf(schema);
  const chosen = branches.find((branch) =>
    Object.entries(branch.properties ?? {}).every(([key, property]) => {
      const given = childOf(value, key);
      return property.const === undefined || given === undefined || given === property.const;
    }),
  );
  return chosen ?? branches[0] ?? schema;
}

/** The value below `value` at one step of a path; undefined where there is none. */
export function childOf(value: unknown, step: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
  return (value as Record<PropertyKey, unknown>)[step];
}
