/** Members that a user names. */
import { ConfigError } from '../../config/config-error.ts';
import type { Member, TestnetState } from '../../testnet/testnet-state.ts';

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
