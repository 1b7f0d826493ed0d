/** Where the log, the models and the data of an alliance are that a report is made of. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MODEL_FILE, RUNS_FOLDER, runFolder } from '../../daemon/directory.ts';
import { readLastView } from '../../daemon/last-view.ts';
import { siteNames } from '../../testnet/site-names.ts';
import { readState, STATE_FILE } from '../../testnet/testnet-state.ts';
import type { Site } from './site-results.ts';

export interface AllianceHome {
  /** Directory of a node, or an archive. */
  readonly log: string;
  /** Whose model and data are here. */
  readonly sites: readonly Site[];
  /** What members are called, by key. */
  readonly names: ReadonlyMap<string, string>;
}

/** `place`: directory of a testnet or a node, or an archive; `data`: of that node. */
export async function allianceHome(place: string, run: string, data: string | null): Promise<AllianceHome> {
  if (existsSync(join(place, STATE_FILE))) return homeOfTestnet(place);
  const runs = join(place, RUNS_FOLDER);
  if (data === null || !existsSync(runs)) return { log: place, sites: [], names: new Map() };
  const runId = readdirSync(runs).find((id) => id.startsWith(run)) ?? '';
  const name = readLastView(place, runId)?.peerKey.slice(0, 16) ?? 'this node';
  const site = { name, modelPath: join(runFolder(place, runId), MODEL_FILE), data };
  return { log: place, sites: [site], names: new Map() };
}

async function homeOfTestnet(place: string): Promise<AllianceHome> {
  const { members, runId } = await readState(place);
  const nodes = members.filter(({ role }) => role === 'node');
  const titles = siteNames(nodes);
  const names = new Map<string, string>();
  const sites: Site[] = [];
  for (const { name, directory, data } of nodes) {
    const title = titles.get(name) ?? name;
    const key = readLastView(directory, runId ?? '')?.peerKey;
    if (key !== undefined) names.set(key, title);
    const modelPath = join(runFolder(directory, runId ?? ''), MODEL_FILE);
    if (data !== undefined && existsSync(modelPath)) sites.push({ name: title, modelPath, data });
  }
  return { log: nodes[0]!.directory, sites, names };
}
