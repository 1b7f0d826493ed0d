/** Stops the processes of a testnet: asks, waits, then insists. Never signals a process that is not its own. */
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, signalProcess } from '../platform/node/process-identity.ts';
import type { Member } from './testnet-state.ts';

export interface StopResult {
  /** Names of those that ended when asked. */
  readonly stopped: readonly string[];
  /** Names of those that had to be killed. */
  readonly killed: readonly string[];
  /** Names of those that were gone before. */
  readonly gone: readonly string[];
}

const pollMs = 50;

/** SIGTERM to all, at most `patienceMs` of waiting, SIGKILL to the rest. */
export async function stopMembers(members: readonly Member[], patienceMs: number): Promise<StopResult> {
  const asked = members.filter((member) => signalProcess(member, 'SIGTERM'));
  const deadline = performance.now() + patienceMs;
  let left = asked;
  for (;;) {
    left = left.filter(isRunning);
    if (left.length === 0 || performance.now() > deadline) break;
    await delay(pollMs);
  }
  const killed = left.filter((member) => signalProcess(member, 'SIGKILL'));
  return {
    stopped: asked.filter((member) => !killed.includes(member)).map(({ name }) => name),
    killed: killed.map(({ name }) => name),
    gone: members.filter((member) => !asked.includes(member)).map(({ name }) => name),
  };
}
