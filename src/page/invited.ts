/** What somebody pasted of an invitation: the command that a page shows, a run id alone, or the path of a manifest. Pure. */

export interface Invited {
  readonly run: string;
  readonly bootstrap?: readonly string[];
}

const addressesMax = 32;

export function invitedBy(text: string): Invited {
  const words = text.trim().split(/\s+/);
  const at = words.indexOf('--run');
  if (at < 0) return { run: text.trim() };
  const from = words.indexOf('--bootstrap') + 1;
  const addresses = from === 0 ? [] : words.slice(from);
  const end = addresses.findIndex((word) => word.startsWith('--'));
  const bootstrap = (end < 0 ? addresses : addresses.slice(0, end)).slice(0, addressesMax);
  return { run: words[at + 1] ?? '', ...(bootstrap.length === 0 ? {} : { bootstrap }) };
}
