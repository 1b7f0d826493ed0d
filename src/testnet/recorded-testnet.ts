/** What is left of a run on real nodes, of all of a testnet or of one, as whoever watched would have been told it. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Hello } from '../api/live.ts';
import { recordedNode } from '../daemon/recorded-node.ts';
import { calledBy, siteNames } from './site-names.ts';
import { readState, STATE_FILE } from './testnet-state.ts';

/** `directory`: of a testnet or of a node. @throws NodeError, TestnetError where there is nothing to tell of */
export async function recordOf(directory: string): Promise<Hello> {
  const members = existsSync(join(directory, STATE_FILE))
    ? (await readState(directory)).members.filter(({ role }) => role === 'node')
    : [{ name: basename(resolve(directory)), directory }];
  const sites = siteNames(members);
  const recorded = [];
  for (const { name, directory: place } of members)
    recorded.push(await recordedNode(place, calledBy(sites, name)));
  const events = recorded.flatMap((each) => each.events).sort((a, b) => a.atMs - b.atMs);
  return { nodes: recorded.map(({ node }) => node), events };
}
