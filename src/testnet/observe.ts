/** Looks at every process of a testnet the way an operator would: is it alive, and what does its API say. */
import { fetchHistory, fetchRunView } from '../api/control-client.ts';
import { readLastView } from '../daemon/last-view.ts';
import { type Outcome, worstOutcome } from '../node/view/outcome.ts';
import type { HistoryData } from '../node/view/run-history.ts';
import { isDone, type RunView } from '../node/view/run-view.ts';
import { isRunning } from '../platform/node/process-identity.ts';
import { readMemberInfo } from './spawn-daemon.ts';
import type { Member, TestnetState } from './testnet-state.ts';

export interface NodeObservation {
  readonly name: string;
  readonly alive: boolean;
  /** It was ready before, and did not answer now. */
  readonly isSilent?: boolean;
  /** Of the testnet's run: the last one that could be had, of a node that is down from its directory; null before the first. */
  readonly view: RunView | null;
}

export interface Observation {
  readonly atMs: number;
  readonly nodes: readonly NodeObservation[];
  readonly bootstrapsAlive: number;
  readonly bootstraps: number;
}

const answerTimeoutMs = 2000;

/** One look at all members at once. Where a living node does not answer in time its `earlier` view stays. */
export async function observe(
  { members, runId }: Pick<TestnetState, 'members' | 'runId'>,
  earlier: Observation | null,
): Promise<Observation> {
  const bootstraps = members.filter(({ role }) => role === 'bootstrap');
  const nodes = members.filter(({ role }) => role === 'node');
  const known = new Map(earlier?.nodes.map((node) => [node.name, node.view]));
  return {
    nodes: await Promise.all(
      nodes.map((member) => observeNode(member, runId, known.get(member.name) ?? null)),
    ),
    bootstraps: bootstraps.length,
    bootstrapsAlive: bootstraps.filter(isRunning).length,
    atMs: Date.now(),
  };
}

async function observeNode(
  member: Member,
  runId: string | null,
  earlier: RunView | null,
): Promise<NodeObservation> {
  if (!isRunning(member)) {
    const last = runId === null ? null : readLastView(member.directory, runId);
    // Of a node that was killed what is kept may be older than what it told.
    const view = last !== null && last.roundsDone >= (earlier?.roundsDone ?? 0) ? last : earlier;
    return { name: member.name, alive: false, view };
  }
  const http = readMemberInfo(member)?.http;
  const view = http && runId ? await fetchRunView(http, runId, answerTimeoutMs).catch(() => null) : null;
  return { name: member.name, alive: true, isSilent: Boolean(http) && view === null, view: view ?? earlier };
}

/** What those that answer remember of their rounds. */
export async function historiesOf({
  members,
  runId,
}: Pick<TestnetState, 'members' | 'runId'>): Promise<
  readonly { readonly name: string; readonly history: HistoryData }[]
> {
  const nodes = members.filter((member) => member.role === 'node' && isRunning(member));
  const known = nodes.map(async (member) => {
    const http = readMemberInfo(member)?.http;
    const history = http && runId ? await fetchHistory(http, runId, answerTimeoutMs).catch(() => null) : null;
    return history ? [{ name: member.name, history }] : [];
  });
  return (await Promise.all(known)).flat();
}

/** Every node that still lives has finished, saved its model and evaluated it. */
export function haveFinished({ nodes }: Observation): boolean {
  const alive = nodes.filter((node) => node.alive);
  return alive.length > 0 && alive.every(({ view }) => view !== null && isDone(view));
}

/**
 * What came of the run on all nodes together: the worst of theirs, and forked where models differ that should be one. Null where a
 * node is gone or has not finished; where all are gone, what they said last counts.
 */
export function outcomeOfAll({ nodes }: Observation): Outcome | null {
  const isDown = nodes.every(({ alive }) => !alive);
  if (!nodes.every(({ alive, view }) => (alive || isDown) && view?.phase === 'finished')) return null;
  const views = nodes.flatMap(({ view }) => view ?? []);
  const worst = worstOutcome(views.map(({ outcome }) => outcome));
  const models = new Set(views.map(({ modelHash }) => modelHash));
  const isOneModel = views.some(({ agreement }) => agreement !== null);
  return isOneModel && models.size > 1 && worst !== 'alone' ? 'forked' : worst;
}
