/** What was thrown, as an error: whatever can be thrown is caught. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Why, in words. */
export function reasonOf(thrown: unknown): string {
  return asError(thrown).message;
}
