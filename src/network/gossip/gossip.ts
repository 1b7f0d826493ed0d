/**
 * The gossip of a host: one gossipsub whose topics come and go with the runs. gossipsub itself fixes its
 * allowed topics and their scores when it is made, so both are kept here and handed to it as functions: what
 * arrives for a topic that was not joined is dropped before it is remembered, and what was rejected counts
 * against a peer whatever the topic.
 */
import { createHash, type Hash } from 'node:crypto';
import { setTimeout as passed, setImmediate as turn } from 'node:timers/promises';
import {
  type GossipSub,
  type GossipsubOpts,
  type Message,
  StrictNoSign,
  TopicValidatorResult,
} from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
import { drawForwardPauseMs, type MeshDegrees, meshDegrees } from '../../core/gossip-figures.ts';
import type { PeerKey, Verdict } from '../../core/io.ts';
import { type Origins, peersPerAddress } from '../conduct/origins.ts';
import type { Reputation } from '../conduct/reputation.ts';
import { TokenBuckets } from '../conduct/token-buckets.ts';
import { TooManyRunsError } from '../errors.ts';
import { peerKeyOf } from '../identity.ts';
import { Turns } from './turns.ts';

/**
 * Largest gossip frame, the same at every peer. Above the 64 KiB of one announcement on purpose: gossipsub
 * answers IWANT with many messages in one frame, and a receiver never hears a link again after one frame
 * above its limit. 4 MiB is what a sender can frame at most, so no honest peer can exceed it.
 */
const gossipFrameBytesMax = 4 << 20;

/** Gossip waiting for one slow peer; more resets the stream to it and the watchdog renews the link. */
const gossipOutboundBytesMax = 8 << 20;

/** Of one host. What other peers are prepared to hear of one host depends on it, here and in identify (host.ts). */
const topicsMax = 100;

/**
 * Of the topics one peer says it is in; gossipsub counts the name and 1 KiB each. Topics we are not in count too:
 * a peer tells them once, perhaps long before we join.
 */
const topicBytesPerPeerMax = topicsMax * (1_024 + 128);

/**
 * Announcements of one peer that were not accepted. Honest ones send what we have pulled already, a round of it at a time; more
 * of what is good for nothing is dropped before anything is computed for it. Guesses.
 */
const uselessLimits = { burst: 2_048, perSecond: 64 };

/** Frames of one peer, whatever is in them: an empty one takes a byte and a microsecond or two. Honest ones send a frame for each message that they forward. Guesses. */
const frameLimits = { burst: 16_384, perSecond: 1_024 };

/** Messages that wait to be forwarded, 64 MiB of them at most; more are forwarded at once. */
const pausingMax = 1_024;

/** What becomes of a message: forwarded, dropped, or dropped and held against who sent it. */
export type TopicJudge = (from: PeerKey | null, bytes: Uint8Array) => Promise<Verdict>;

const RESULT_OF: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

/** Thrown to gossipsub, which then forgets the message without a trace. */
class TopicNotJoinedError extends Error {
  override readonly name = 'TopicNotJoinedError';
  readonly code = 'TOPIC_NOT_JOINED';
}

export class Gossip {
  readonly #judges = new Map<string, TopicJudge>();
  readonly #reputation: Reputation;
  readonly #origins: Origins;
  readonly #useless = new TokenBuckets(uselessLimits);
  /** Of one address. */
  readonly #uselessThere = new TokenBuckets({
    burst: peersPerAddress * uselessLimits.burst,
    perSecond: peersPerAddress * uselessLimits.perSecond,
  });
  readonly #turns = new Turns();
  readonly #nowMs: () => number;
  readonly #random: () => number;
  #pausing = 0;
  #service: GossipSub | null = null;

  /** `nowMs`: milliseconds of a clock that never goes back; `random`: numbers in [0, 1). */
  constructor(parts: {
    readonly reputation: Reputation;
    readonly origins: Origins;
    readonly nowMs: () => number;
    readonly random: () => number;
  }) {
    this.#reputation = parts.reputation;
    this.#origins = parts.origins;
    this.#nowMs = parts.nowMs;
    this.#random = parts.random;
  }

  /** What gossipsub must be made with to be driven by this. */
  options(): Partial<GossipsubOpts> {
    return {
      dataTransform: {
        inboundTransform: (topic, data) => {
          if (!this.#judges.has(topic)) {
            throw new TopicNotJoinedError(`this host is not in ${topic}`);
          }
          return data;
        },
        outboundTransform: (_topic, data) => data,
      },
      maxTopicBytesPerPeer: topicBytesPerPeerMax,
      scoreParams: {
        // Delivery rates say nothing where a round's announcements come in one burst: misdeeds alone count.
        topics: {},
        appSpecificScore: (peer) => this.#reputation.scoreOf(peer),
        appSpecificWeight: 1,
        // Ten peers of one lab share an address: measured, the default loses 10 to 19 % of deliveries there.
        IPColocationFactorWeight: 0,
      },
      ...fixedOptions,
    };
  }

  /** Drives `service` from now on, which was made with `options()`. */
  over(service: GossipSub): void {
    this.#service = service;
    // gossipsub looks them up whenever it needs them, and has one set for all topics: that of the largest.
    const degrees = (): MeshDegrees => meshDegrees(Math.max(0, ...this.topics().map(({ peers }) => peers)));
    Object.defineProperties((service as GossipSub & Internals).opts, {
      D: { get: () => degrees().wanted },
      Dlo: { get: () => degrees().min },
      Dhi: { get: () => degrees().max },
      Dout: { get: () => degrees().dialled },
    });
    this.#boundFrames(service as GossipSub & Internals);
  }

  #boundFrames(service: Internals): void {
    const frames = new TokenBuckets(frameLimits);
    const take = service.handleReceivedRpc.bind(service);
    service.handleReceivedRpc = async (from, frame) => {
      const name = from.toString();
      frames.spend(name, 1, this.#nowMs());
      if (frames.waitMs(name, this.#nowMs()) === 0) return take(from, frame);
      if (!this.#reputation.isOutcast(from)) this.#reputation.blame(from);
    };
  }

  /**
   * What arrives on `topic` goes to `judge` from now on.
   * @throws Error where the topic was joined already, TooManyRunsError where there is no room for one more
   */
  join(topic: string, judge: TopicJudge): void {
    if (this.#judges.has(topic)) {
      throw new Error(`${topic} was joined already: leave it first`);
    }
    if (this.#judges.size >= topicsMax) {
      throw new TooManyRunsError(`this host is in ${topicsMax} runs already; start another host for more`);
    }
    this.#judges.set(topic, judge);
    this.#running().topicValidators.set(topic, (from, message) => this.#validate(from, message, judge));
    this.#running().subscribe(topic);
  }

  /** Takes no part in the topic any more and takes nothing more for it. */
  leave(topic: string): void {
    const service = this.#running();
    // A stopped gossipsub has no subscriptions left and throws.
    if (service.getTopics().includes(topic)) {
      service.unsubscribe(topic);
    }
    service.topicValidators.delete(topic);
    this.#judges.delete(topic);
  }

  /** Resolves to the number of peers it was sent to. */
  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    const { recipients } = await this.#running().publish(topic, bytes);
    return recipients.length;
  }

  /** Connected peers that take part in the topic, as far as gossip knows. */
  subscribers(topic: string): ReadonlySet<PeerKey> {
    const keys = this.#running().getSubscribers(topic).map(peerKeyOf);
    return new Set(keys.filter((key) => key !== null));
  }

  /** Those that were joined: how many peers are in each, and with how many of them messages are exchanged at once. */
  topics(): ReadonlyArray<{ readonly topic: string; readonly mesh: number; readonly peers: number }> {
    const service = this.#service as (GossipSub & Internals) | null;
    if (service === null) return [];
    return [...this.#judges.keys()].map((topic) => ({
      ...{ topic, mesh: service.getMeshPeers(topic).length, peers: service.getSubscribers(topic).length },
    }));
  }

  /** One after the other of a peer: gossipsub hands over all that a frame holds before it hears what the first was worth. */
  async #validate(from: PeerId, message: Message, judge: TopicJudge): Promise<TopicValidatorResult> {
    const name = from.toString();
    const verdict = await this.#turns.take(name, message.data.length, () =>
      this.#reputation.isOutcast(from) || this.#isSpent(from) ? 'ignore' : this.#judged(from, message, judge),
    );
    // Not within its turn: what came after it from the same peer would wait as well.
    if (verdict === 'accept') await this.#pause(message.topic);
    return RESULT_OF[verdict ?? 'ignore'];
  }

  async #pause(topic: string): Promise<void> {
    if (this.#pausing >= pausingMax) return;
    this.#pausing++;
    const pauseMs = drawForwardPauseMs(this.#running().getSubscribers(topic).length, this.#random);
    await passed(pauseMs, undefined, { ref: false });
    // Timers come before what has come meanwhile, where both were kept waiting.
    await turn();
    this.#pausing--;
  }

  async #judged(from: PeerId, { data }: Message, judge: TopicJudge): Promise<Verdict> {
    const verdict = await judge(peerKeyOf(from), data);
    if (verdict !== 'accept') {
      this.#useless.spend(from.toString(), 1, this.#nowMs());
      const origin = this.#origins.ofPeer(from);
      if (origin !== null) this.#uselessThere.spend(origin, 1, this.#nowMs());
    }
    if (verdict === 'reject') {
      this.#reputation.blame(from);
    }
    return verdict;
  }

  /** It, or the address it comes from with others, has sent too much that was good for nothing. */
  #isSpent(from: PeerId): boolean {
    const nowMs = this.#nowMs();
    if (this.#useless.waitMs(from.toString(), nowMs) > 0) return true;
    const origin = this.#origins.ofPeer(from);
    return origin !== null && this.#uselessThere.waitMs(origin, nowMs) > 0;
  }

  #running(): GossipSub {
    if (this.#service === null) {
      throw new Error('this host has no gossip: it was created to carry no runs');
    }
    return this.#service;
  }
}

/** The service has it, and its type does not say so. */
interface Internals {
  readonly opts: object;
  handleReceivedRpc(from: PeerId, frame: object): Promise<void>;
  getMeshPeers(topic: string): string[];
}

/** Of a hash, as peers name a message to each other. Nobody finds a second message with the id of a given one. */
const messageIdBytes = 20;

const fixedOptions: Partial<GossipsubOpts> = {
  // Authors sign the envelope inside; a second signature by whoever relays it would say nothing.
  globalSignaturePolicy: StrictNoSign,
  msgIdFn: (message) => messageHash(message).digest().subarray(0, messageIdBytes),
  // Spares duplicates the asynchronous path. Not a cheaper hash: whoever finds two messages with one fast id can silence one with the other.
  fastMsgIdFn: (message) => messageHash(message).digest('base64'),
  msgIdToStrFn: (id) => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('base64'),
  // Whom the author is linked to hears it at once and from it alone; the mesh brings it to all others.
  floodPublish: true,
  batchPublish: true,
  Dscore: 2,
  fallbackToFloodsub: false,
  allowPublishToZeroTopicPeers: true,
  ignoreDuplicatePublishError: true,
  // What was missed is named by digests twice a slot: nobody outside the mesh need hear of it from gossip as well.
  Dlazy: 0,
  gossipFactor: 0,
  emitSelf: false,
  maxInboundDataLength: gossipFrameBytesMax,
  maxOutboundBufferSize: gossipOutboundBytesMax,
  // A link over a relay is a link.
  runOnLimitedConnection: true,
};

/** Of the topic too: whoever sends one run's message to another run's topic must not make it a duplicate in its own. */
function messageHash({ topic, data }: { readonly topic?: string; readonly data?: Uint8Array }): Hash {
  return createHash('sha256')
    .update(`${topic}\0`)
    .update(data ?? new Uint8Array());
}
