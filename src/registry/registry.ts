/**
 * Closed registries: whatever a manifest names by id is described once, schema and code beside each other, and listed in the registry
 * of its kind. The union of the schemas is what a manifest may say; by its id a spec finds what describes it.
 */
import * as z from 'zod';

/** What everything that is registered has. */
export interface Described {
  readonly id: string;
  /** Of the spec in a manifest: `id`, and constants with defaults, ranges and where these come from. */
  readonly schema: z.ZodObject;
  /** Specs as a manifest may hold them; the contract suite of the kind goes over these. */
  readonly examples: readonly object[];
}

interface WithSchema {
  readonly schema: z.ZodObject;
}

type SchemasOf<Things extends readonly WithSchema[]> = {
  readonly [Index in keyof Things]: Things[Index]['schema'];
};

/** The specs of all things of a registry, told apart by `id`; in documents they stand in this order. */
export function schemaOfAll<const Things extends readonly [Described, ...Described[]]>(
  things: Things,
): z.ZodDiscriminatedUnion<SchemasOf<Things>, 'id'> {
  return unionBy('id', things);
}

/** The same for things whose specs are told apart by another field. */
export function unionBy<
  const Field extends string,
  const Things extends readonly [WithSchema, ...WithSchema[]],
>(field: Field, things: Things): z.ZodDiscriminatedUnion<SchemasOf<Things>, Field> {
  // A map of a tuple is typed as a mere list.
  const schemas = things.map(({ schema }) => schema) as unknown as SchemasOf<Things> & readonly [z.ZodObject];
  return z.discriminatedUnion(field, schemas);
}

/** @throws RangeError for an id that nobody registered: no schema lets one through */
export function byId<Thing extends Described>(things: readonly Thing[], id: string): Thing {
  const thing = things.find((one) => one.id === id);
  if (!thing)
    throw new RangeError(`${id} is not registered; there are ${things.map((one) => one.id).join(', ')}`);
  return thing;
}

/** A spec that no schema lets through. */
export class SpecError extends RangeError {
  override readonly name = 'SpecError';
  readonly code = 'BAD_SPEC';
}

/**
 * What a program says of a thing, with the defaults that its schema has. `kind` names the registry in messages.
 * @throws SpecError for an id that nobody registered, and for what its schema does not take
 */
export function readSpec<Schema extends z.ZodType>(
  kind: string,
  things: readonly Described[],
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const read = schema.safeParse(input);
  if (read.success) return read.data;
  const id = typeof input === 'object' && input !== null && 'id' in input ? input.id : undefined;
  const ids = things.map((one) => one.id);
  throw new SpecError(
    id === undefined || ids.includes(id as string)
      ? `${kind} ${id === undefined ? 'without an id' : String(id)}: ${z.prettifyError(read.error)}`
      : `${kind} ${JSON.stringify(id)} is not registered; there are ${ids.join(', ')}`,
  );
}
