/** What lets this page command its node: the token as somebody pasted it, or a pass for the code of a link. Kept in this tab alone. */

const key = 'pass';
let inMemory: string | null = null;

export function heldPass(): string | null {
  try {
    return sessionStorage.getItem(key) ?? inMemory;
  } catch {
    return inMemory;
  }
}

export function holdPass(pass: string | null): void {
  inMemory = pass;
  try {
    if (pass === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, pass);
  } catch {
    // It is held for as long as the page is open.
  }
}

export function withPass(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const pass = heldPass();
  return { ...headers, ...(pass === null ? {} : { authorization: `Bearer ${pass}` }) };
}
