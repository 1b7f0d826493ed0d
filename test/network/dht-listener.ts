/** A node of the DHT that belongs to a stranger, who writes down what it is asked for. */
import type { PeerId } from '@libp2p/interface';
import type { Host } from '../../src/network/host/host.ts';

interface DhtMessage {
  readonly type: string;
  readonly key?: Uint8Array;
}

/** What kad-dht hands each message to that comes in; its type keeps it to itself. */
interface Answering {
  readonly rpc: { handleMessage(from: PeerId, message: DhtMessage): Promise<unknown> };
}

/** Keys in hexadecimal digits, of all that comes from now on. */
export function keysAskedOf(host: Host): string[] {
  const { rpc } = host.libp2p.services.dht as unknown as Answering;
  const answer = rpc.handleMessage.bind(rpc);
  const asked: string[] = [];
  rpc.handleMessage = (from, message) => {
    if (message.key !== undefined) asked.push(Buffer.from(message.key).toString('hex'));
    return answer(from, message);
  };
  return asked;
}
