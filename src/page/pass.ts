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

/** The code in the address, which is taken out of it at once: nobody finds it in a history or over a shoulder. */
export function takeCode(): string | null {
  const code = /^#code=([0-9a-f]{64})$/.exec(location.hash)?.[1] ?? null;
  if (location.hash !== '') history.replaceState(null, '', location.pathname);
  return code;
}

export function withPass(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const pass = heldPass();
  return { ...headers, ...(pass === null ? {} : { authorization: `Bearer ${pass}` }) };
}
