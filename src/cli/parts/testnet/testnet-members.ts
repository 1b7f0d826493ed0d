/** Members that a user names, and where they are. */
import { ConfigError } from '../../../config/config-error.ts';
import type { DaemonInfo } from '../../../daemon/daemon-info.ts';
import type { Member, TestnetState } from '../../../testnet/testnet-state.ts';

/** Nobody named: all. @throws ConfigError where one is not there */
export function membersNamed(
  { members }: Pick<TestnetState, 'members'>,
  names: readonly string[],
): readonly Member[] {
  if (names.length === 0) return members;
  return names.map((wanted) => {
    const member = members.find(({ name }) => name === wanted);
    if (member) return member;
    const known = members.map(({ name }) => name).join(', ');
    throw new ConfigError('BAD_USAGE', `this testnet has no member ${wanted}; it has ${known}`);
  });
}

/** Where somebody can look at one. No browser opens a socket file, and a bootstrap has no API. */
export function statusPlace({ http, addresses }: Pick<DaemonInfo, 'http' | 'addresses'>): string {
  if (http === null) return addresses[0] ?? '';
  return http.startsWith('unix:') ? http : `${http}/status`;
}
