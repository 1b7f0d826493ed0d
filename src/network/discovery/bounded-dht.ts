/**
 * libp2p's DHT believes an answer of any length: each peer that it names is looked for among all that wait to be tried, so that one of
 * 4 MiB stops the process for minutes. Here an answer names so many, and the rest of it is not heard.
 */

import { type KadDHT, type KadDHTInit, kadDHT } from '@libp2p/kad-dht';
import { pickRandom } from '../../core/pick-random.ts';

type Components = Parameters<ReturnType<typeof kadDHT>>[0];

/** Closer ones, and providers as many; who keeps to the protocol names 20. */
const peersNamedMax = 32;

interface DhtAnswer {
  readonly closer: readonly unknown[];
  readonly providers: readonly unknown[];
}

/** Of the library's inside, what its answers go through. */
interface AnswersOf {
  readonly network?: {
    safeDispatchEvent(type: string, init: unknown): boolean;
    _writeReadMessage(...asked: unknown[]): Promise<DhtAnswer>;
  };
}

export function boundedDht(init: KadDHTInit): (components: Components) => KadDHT {
  const create = kadDHT(init);
  return (components) => {
    const dht = create(components);
    const { network } = dht as AnswersOf;
    if (typeof network?._writeReadMessage !== 'function')
      throw new Error('this version of @libp2p/kad-dht takes its answers another way: bound them there');
    const tell = network.safeDispatchEvent.bind(network);
    const ask = network._writeReadMessage.bind(network);
    let told = 0;
    network.safeDispatchEvent = (type, detail) => {
      // All of an answer are told in one go.
      if (told === 0) queueMicrotask(() => (told = 0));
      told += 1;
      return told <= 2 * peersNamedMax && tell(type, detail);
    };
    network._writeReadMessage = async (...asked) => {
      const answer = await ask(...asked);
      // In the order of their coming the records that a stranger put first would hide all others.
      const providers = pickRandom(answer.providers, peersNamedMax, Math.random);
      return { ...answer, closer: answer.closer.slice(0, peersNamedMax), providers };
    };
    return dht;
  };
}
