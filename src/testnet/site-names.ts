/** What people call the nodes of a testnet by: their data. */
import { basename, extname } from 'node:path';
import type { Member } from './testnet-state.ts';

/** By the name of the node; nothing where the names of the data do not tell the nodes apart. */
export function siteNames(members: readonly Pick<Member, 'name' | 'data'>[]): ReadonlyMap<string, string> {
  const names = new Map(
    members.flatMap(({ name, data }) => (data === undefined ? [] : [[name, titleOf(data)] as const])),
  );
  return new Set(names.values()).size === names.size ? names : new Map();
}

/** How a node of a testnet is called where people read of it: `node-02 switzerland`, or `node-02` alone. */
export function calledBy(sites: ReadonlyMap<string, string>, name: string): string {
  const site = sites.get(name);
  return site === undefined ? name : `${name} ${site}`;
}

/** What a file may be called besides, a terminal or a page must not be steered by. */
function titleOf(path: string): string {
  return basename(path, extname(path)).replaceAll(/\p{Cc}/gu, '?');
}
