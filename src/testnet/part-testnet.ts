/** Has the nodes of a testnet refuse each other, or no longer. */
import { existsSync } from 'node:fs';
import { reasonOf } from '../core/as-error.ts';
import { commandNode } from '../daemon/connect.ts';
import { keyFileOf } from '../daemon/directory.ts';
import { loadIdentity } from '../network/identity.ts';
import { isRunning } from '../platform/node/process-identity.ts';
import { refusalsOf } from './parts.ts';
import type { TestnetState } from './testnet-state.ts';

export interface Parted {
  /** Names of nodes that do as they were told. */
  readonly told: readonly string[];
  /** Those that run and did not take it, with why. */
  readonly missed: readonly { readonly name: string; readonly reason: string }[];
  /** Those that do not run: nobody could be told. */
  readonly down: readonly string[];
}

/** Also of those that are down: they may be started again. @throws TestnetError; the reason of the signal */
export async function partTestnet(
  { members }: Pick<TestnetState, 'members'>,
  sides: readonly (readonly string[])[],
  signal: AbortSignal,
): Promise<Parted> {
  const nodes = members.filter(({ role }) => role === 'node');
  const refusals = refusalsOf(
    sides,
    nodes.map(({ name }) => name),
  );
  const keys = new Map<string, string>();
  for (const { name, directory } of nodes) {
    const file = keyFileOf(directory);
    // Looking must not make one.
    if (existsSync(file)) keys.set(name, (await loadIdentity(file)).key);
  }
  return tellAll(
    { members },
    (name) => refusals.get(name)!.flatMap((other) => keys.get(other) ?? []),
    signal,
  );
}

/** @throws the reason of the signal */
export function healTestnet(state: Pick<TestnetState, 'members'>, signal: AbortSignal): Promise<Parted> {
  return tellAll(state, () => [], signal);
}

async function tellAll(
  { members }: Pick<TestnetState, 'members'>,
  refusedBy: (name: string) => readonly string[],
  signal: AbortSignal,
): Promise<Parted> {
  const nodes = members.filter(({ role }) => role === 'node');
  const running = nodes.filter(isRunning);
  const answers = await Promise.all(
    running.map(async ({ name, directory }) => {
      try {
        await commandNode(directory, 'refuse', { peers: refusedBy(name) }, signal);
        return { name, reason: null };
      } catch (error) {
        signal.throwIfAborted();
        return { name, reason: reasonOf(error) };
      }
    }),
  );
  return {
    told: answers.flatMap(({ name, reason }) => (reason === null ? [name] : [])),
    missed: answers.flatMap(({ name, reason }) => (reason === null ? [] : [{ name, reason }])),
    down: nodes.filter((node) => !running.includes(node)).map(({ name }) => name),
  };
}
