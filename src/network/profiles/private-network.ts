/** A private network: every connection is encrypted once more, by a key that all its hosts were given. */
import type { Libp2pInit } from 'libp2p';
import { toString as toText } from 'uint8arrays/to-string';

/** @param key 32 bytes */
export async function networkProtector(
  key: Uint8Array,
): Promise<NonNullable<Libp2pInit['connectionProtector']>> {
  const { preSharedKey } = await import('@libp2p/pnet');
  const file = `/key/swarm/psk/1.0.0/\n/base16/\n${toText(key, 'hex')}\n`;
  return preSharedKey({ psk: new TextEncoder().encode(file) });
}
