import * as z from 'zod';

interface Described {
  readonly schema: z.ZodObject<{ kind: z.ZodLiteral<string> }>;
}

type SchemasOf<Kinds extends readonly Described[]> = {
  -readonly [Index in keyof Kinds]: Kinds[Index]['schema'];
};

/** One of the forms that the kinds describe, told by the field `kind`; in documents they stand in this order. */
export function kindUnion<const Kinds extends readonly [Described, ...Described[]]>(
  kinds: Kinds,
): z.ZodDiscriminatedUnion<SchemasOf<Kinds>, 'kind'> {
  // A map of a tuple is typed as a mere list.
  return z.discriminatedUnion('kind', kinds.map(({ schema }) => schema) as unknown as SchemasOf<Kinds>);
}
