import * as z from 'zod';

/** A positive constant of an attack, with its default. */
export function strength(text: string, value: number) {
  return z.number().positive().max(1000).default(value).describe(text);
}
