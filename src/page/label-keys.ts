/** Which key gives which answer. */

/** Without those that mean something else: s skips, d changes to what is to be decided, g opens the guidelines. */
const keys = '123456789abcefhijklmnopqrtuvwxyz';

/** Of the values in their order; a rating has its own digit. */
export function keysOf(values: readonly string[]): readonly string[] {
  const areDigits = values.every((value) => /^\d$/.test(value) || value === '10');
  return values.map((value, at) => (areDigits ? (value === '10' ? 't' : value) : (keys[at] ?? '')));
}

/** Null for a key that gives none. */
export function valueOfKey(values: readonly string[], key: string): string | null {
  const at = keysOf(values).indexOf(key.toLowerCase());
  return at < 0 ? null : values[at]!;
}
