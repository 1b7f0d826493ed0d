/**
 * libp2p's DHT believes an answer of any length: each peer that it names is looked for among all that wait to be tried, and each address is
 * taken apart, so that one of 4 MiB stops the process for half a minute and longer. Here an answer has so many bytes, and names so many; of what
 * is beyond nothing is heard. Ours are that short, whatever strangers told us of others. A question of 4 MiB that names its asker 60,000 times as
 * a provider does the same, and so do as many short questions in one piece: of one peer so many are answered a second.
 */

import { setTimeout as passed, setImmediate as turn } from 'node:timers/promises';
import type { PeerId, PeerInfo, Stream } from '@libp2p/interface';
import { type KadDHT, type KadDHTInit, kadDHT } from '@libp2p/kad-dht';
import { pickRandom } from '../../core/pick-random.ts';
import { TokenBuckets } from '../conduct/token-buckets.ts';
import { addressesToldMax } from '../host/bounded-peers.ts';
import { PeerNews } from './peer-news.ts';

/**
 * Of one peer; what is beyond waits, and the library gives a stream up after 10 s. A run asks a peer that is near it a handful of times when it
 * begins, and then every few minutes. Guesses.
 */
const questions = { burst: 256, perSecond: 16 };

type Components = Parameters<ReturnType<typeof kadDHT>>[0];

/** Closer ones, and providers as many; who keeps to the protocol names 20 closer ones. */
const peersNamedMax = 32;
/** Of one peer, in an answer of ours; ten of relays, or a hundred short ones. */
const addressBytesMax = 1_024;
/** A tag and a length; no address that is told takes more. */
const fieldBytes = 3;
/** Of an answer to us: 20 closer peers and 32 providers with that many bytes of addresses each, and 80 of their own. */
const answerBytesMax = 64 << 10;

interface PeerTold {
  readonly detail: PeerInfo;
}

interface PeerNamed {
  readonly multiaddrs: readonly Uint8Array[];
}

interface DhtAnswer {
  readonly closer: readonly PeerNamed[];
  readonly providers: readonly PeerNamed[];
}

interface DhtQuestion {
  readonly providers?: readonly PeerNamed[];
}

/** Of the library's inside, what its answers go through, and what comes in. */
interface InsideOf {
  readonly rpc?: { handleMessage(from: PeerId, question: DhtQuestion): Promise<DhtAnswer | undefined> };
  readonly network?: {
    safeDispatchEvent(type: string, init: unknown): boolean;
    _writeReadMessage(stream: Stream, ...asked: unknown[]): Promise<DhtAnswer>;
  };
}

export function boundedDht(init: KadDHTInit): (components: Components) => KadDHT {
  const create = kadDHT(init);
  return (components) => {
    const dht = create(components);
    const { network, rpc } = dht as InsideOf;
    if (typeof network?._writeReadMessage !== 'function' || typeof rpc?.handleMessage !== 'function')
      throw new Error('this version of @libp2p/kad-dht takes what comes another way: bound it there');
    boundQuestions(rpc);
    const tell = network.safeDispatchEvent.bind(network);
    const ask = network._writeReadMessage.bind(network);
    const news = new PeerNews();
    let told = 0;
    network.safeDispatchEvent = (type, init) => {
      // All of an answer are told in one go.
      if (told === 0) queueMicrotask(() => (told = 0));
      told += 1;
      return (
        told <= 2 * peersNamedMax &&
        news.isNews((init as PeerTold).detail, performance.now()) &&
        tell(type, init)
      );
    };
    network._writeReadMessage = async (stream, ...asked) => {
      boundBytes(stream);
      return withFewPeers(await ask(stream, ...asked));
    };
    return dht;
  };
}

function withFewPeers(answer: DhtAnswer): DhtAnswer {
  // In the order of their coming the records that a stranger put first would hide all others.
  const providers = pickRandom(answer.providers, peersNamedMax, Math.random);
  return { ...answer, closer: answer.closer.slice(0, peersNamedMax), providers };
}

/** To be called before the library listens: what is too much it never sees, also where it comes in one piece. */
function boundBytes(stream: Stream): void {
  let bytes = 0;
  stream.addEventListener('message', (event) => {
    bytes += event.data.byteLength;
    if (bytes <= answerBytesMax) return;
    event.stopImmediatePropagation();
    stream.abort(new Error(`an answer of the DHT has ${answerBytesMax} bytes at most`));
  });
}

function boundQuestions(rpc: NonNullable<InsideOf['rpc']>): void {
  const asked = new TokenBuckets(questions);
  const answer = rpc.handleMessage.bind(rpc);
  rpc.handleMessage = async (from, question) => {
    const waitMs = asked.waitMsAndSpend(from.toString(), 1, performance.now());
    // What has come is taken from a stream without a turn of the event loop between.
    if (waitMs > 0) await passed(waitMs, undefined, { ref: false });
    else await turn();
    const told = await answer(from, withOneProvider(question));
    return told && shortened(told);
  };
}

/** Who asks us hears no more than `answerBytesMax`. */
function shortened(answer: DhtAnswer): DhtAnswer {
  const { closer, providers, ...others } = withFewPeers(answer);
  return { ...others, closer: closer.map(withShortAddresses), providers: providers.map(withShortAddresses) };
}

function withShortAddresses(peer: PeerNamed): PeerNamed {
  let left = addressBytesMax;
  const multiaddrs = peer.multiaddrs.filter(({ length }) => {
    const isTold = fieldBytes + length <= left;
    if (isTold) left -= fieldBytes + length;
    return isTold;
  });
  return { ...peer, multiaddrs };
}

/** Nobody provides for others. */
function withOneProvider(question: DhtQuestion): DhtQuestion {
  const [provider] = question.providers ?? [];
  if (provider === undefined) return question;
  const multiaddrs = provider.multiaddrs.slice(0, addressesToldMax);
  return { ...question, providers: [{ ...provider, multiaddrs }] };
}
