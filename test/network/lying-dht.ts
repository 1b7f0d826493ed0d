/** A node of the DHT that, whatever it is asked, tells of its friends alone. */
import type { Host } from '../../src/network/host/host.ts';

interface Question {
  readonly type: string;
}

/** What kad-dht hands each message to that comes in; its type keeps it to itself. */
interface Answering {
  readonly rpc: { handleMessage(from: unknown, question: Question): Promise<object> };
}

export function tellsOf(host: Host, friends: readonly Host[]): void {
  const { rpc } = host.libp2p.services.dht as unknown as Answering;
  rpc.handleMessage = async (_from, question) => {
    const told = friends.map(({ libp2p }) => ({
      id: libp2p.peerId.toMultihash().bytes,
      multiaddrs: libp2p.getMultiaddrs().map(({ bytes }) => bytes),
    }));
    return { ...question, closer: told, providers: question.type === 'GET_PROVIDERS' ? told : [] };
  };
}
