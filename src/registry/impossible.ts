/** What no single field of a manifest shows: a combination that cannot work. */
export interface Impossible {
  /** Of the field to change. */
  readonly path: readonly string[];
  readonly message: string;
}

/** The same, told from further out. */
export function within(outer: readonly string[], impossible: Impossible | null): Impossible | null {
  return impossible && { path: [...outer, ...impossible.path], message: impossible.message };
}
