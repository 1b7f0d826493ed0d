/** Looks at every process of a testnet the way an operator would: is it alive, and what does its API say. */
import type { NodeStatus } from '../daemon/status.ts';
import { fetchStatus } from './daemon-client.ts';
import { isRunning } from './process-identity.ts';
import { readDaemonInfo } from './spawn-daemon.ts';
import type { Member } from './testnet-state.ts';

export interface NodeObservation {
  readonly name: string;
  readonly alive: boolean;
  /** The last one that could be had; null before the first. */
  readonly status: NodeStatus | null;
}

export interface Observation {
  readonly atMs: number;
  readonly nodes: readonly NodeObservation[];
  readonly bootstrapsAlive: number;
  readonly bootstraps: number;
}

const statusTimeoutMs = 2000;

/** One look at all members at once. Where a living node does not answer in time its `earlier` status stays. */
export async function observe(members: readonly Member[], earlier: Observation | null): Promise<Observation> {
  const bootstraps = members.filter(({ role }) => role === 'bootstrap');
  const nodes = members.filter(({ role }) => role === 'node');
  const known = new Map(earlier?.nodes.map((node) => [node.name, node.status]));
  return {
    nodes: await Promise.all(nodes.map((member) => observeNode(member, known.get(member.name) ?? null))),
    bootstraps: bootstraps.length,
    bootstrapsAlive: bootstraps.filter(isRunning).length,
    atMs: Date.now(),
  };
}

async function observeNode(member: Member, earlier: NodeStatus | null): Promise<NodeObservation> {
  if (!isRunning(member)) return { name: member.name, alive: false, status: earlier };
  const http = readDaemonInfo(member)?.http;
  const status = http ? await fetchStatus(http, statusTimeoutMs).catch(() => null) : null;
  return { name: member.name, alive: true, status: status ?? earlier };
}

/** Every node holds the run and talks to others: at least to three, or to all where there are fewer. */
export function haveJoined({ nodes }: Observation): boolean {
  const peersMin = Math.min(3, nodes.length - 1);
  return nodes.every(({ alive, status }) => alive && status !== null && status.peers >= peersMin);
}

/** Every node that still lives has finished, saved its model and evaluated it. */
export function haveFinished({ nodes }: Observation): boolean {
  const alive = nodes.filter((node) => node.alive);
  return alive.length > 0 && alive.every(({ status }) => status !== null && isDone(status));
}

function isDone({ phase, modelPath, accuracyRound, rounds }: NodeStatus): boolean {
  return phase === 'finished' && modelPath !== null && accuracyRound === rounds - 1;
}
