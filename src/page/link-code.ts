/** The code in the address, which is taken out of it at once: nobody finds it in a history or over a shoulder. */
export function takeCode(): string | null {
  const code = /^#code=([0-9a-f]{64})$/.exec(location.hash)?.[1] ?? null;
  if (location.hash !== '') history.replaceState(null, '', location.pathname);
  return code;
}
