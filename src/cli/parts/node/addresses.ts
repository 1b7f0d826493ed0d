/** Multiaddrs of flags and files, checked before anything is started with them. */
import { multiaddr } from '@multiformats/multiaddr';
import { ConfigError } from '../../../config/config-error.ts';

export const ADDRESS_KINDS = ['listen', 'announce', 'bootstrap'] as const;
export type AddressKind = (typeof ADDRESS_KINDS)[number];

const exampleOf: Readonly<Record<AddressKind, string>> = {
  listen: '/ip4/0.0.0.0/tcp/4001',
  announce: '/dns4/node.example.org/tcp/4001',
  bootstrap: '/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW..., the whole address that another node printed',
};

/** What is wrong with an address, in words that follow it; null for nothing. */
export function addressProblem(kind: AddressKind, text: string): string | null {
  let names: readonly string[];
  try {
    names = multiaddr(text)
      .getComponents()
      .map(({ name }) => name);
  } catch {
    return `is no multiaddr; write for example ${exampleOf[kind]}`;
  }
  switch (kind) {
    case 'listen':
      return names.includes('tcp') ? null : `names no TCP port; write for example ${exampleOf.listen}`;
    case 'announce':
      return names.includes('tcp')
        ? null
        : `names no TCP port; write where others reach this node, for example ${exampleOf.announce}`;
    case 'bootstrap':
      return names.includes('p2p')
        ? null
        : 'does not end in /p2p/<peer id>; copy the whole address that the other node printed';
    default:
      return kind satisfies never;
  }
}

/** The addresses that a flag was given. @throws ConfigError where one is wrong */
export function checkedAddresses(kind: AddressKind, given: readonly string[]): string[] {
  for (const text of given) {
    const problem = addressProblem(kind, text);
    if (problem !== null) throw new ConfigError('BAD_USAGE', `--${kind} ${text} ${problem}`);
  }
  return [...given];
}
