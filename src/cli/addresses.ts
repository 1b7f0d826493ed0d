/** Multiaddrs of the command line, checked before anything is started with them. */
import { multiaddr } from '@multiformats/multiaddr';
import { ConfigError } from '../config/config-error.ts';

/** Where a daemon listens if nobody says otherwise. */
const listenDefault: readonly string[] = ['/ip4/0.0.0.0/tcp/0'];

/** The addresses to listen on. @throws ConfigError where one is no TCP multiaddr */
export function listenAddresses(given: readonly string[] | undefined): readonly string[] {
  for (const text of given ?? []) {
    if (!namesOf(text, '--listen').includes('tcp')) {
      throw new ConfigError(
        'BAD_USAGE',
        `--listen ${text} names no TCP port; write for example /ip4/0.0.0.0/tcp/4001`,
      );
    }
  }
  return given ?? listenDefault;
}

/** The addresses of nodes to begin with. @throws ConfigError where one does not say whom to expect there */
export function bootstrapAddresses(given: readonly string[] | undefined): readonly string[] {
  for (const text of given ?? []) {
    if (!namesOf(text, '--bootstrap').includes('p2p')) {
      throw new ConfigError(
        'BAD_USAGE',
        `--bootstrap ${text} does not end in /p2p/<peer id>; copy the whole address that the other node printed`,
      );
    }
  }
  return given ?? [];
}

function namesOf(text: string, option: string): readonly string[] {
  try {
    return multiaddr(text)
      .getComponents()
      .map(({ name }) => name);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError('BAD_USAGE', `${option} ${text} is not a multiaddr: ${reason}`);
  }
}
