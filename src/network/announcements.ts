/** The run's gossip topic: small signed announcements, forwarded only after the core accepted them. */
import { type Message, TopicValidatorResult } from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
import type { PeerKey, Verdict } from '../core/io.ts';
import { announcementBytesMax } from '../log/envelope.ts';
import { AnnouncementTooLargeError } from './errors.ts';
import type { NetworkEventListener } from './events.ts';
import type { Host } from './host.ts';
import { peerKeyOf } from './identity.ts';
import { announcementTopic } from './protocols.ts';

/** Gossipsub never forwards what is judged later than 5 s; a late verdict counts as `ignore`. */
const VERDICT_TIMEOUT_MS = 4_000;

const RESULT_OF: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

export interface AnnouncementCounts {
  readonly announcementsIn: number;
  readonly announcementsOut: number;
  readonly announcementsRejected: number;
}

export interface Announcements {
  start(): void;
  stop(): void;
  /** @throws AnnouncementTooLargeError. Reaching nobody is an event and no error. */
  announce(bytes: Uint8Array): Promise<void>;
  counts(): AnnouncementCounts;
}

export interface AnnouncementsOptions {
  readonly host: Host;
  readonly runId: string;
  readonly judge: (from: PeerKey, bytes: Uint8Array) => Promise<Verdict>;
  readonly onEvent: NetworkEventListener;
}

/** @throws when the host was created without this run. */
export function createAnnouncements(options: AnnouncementsOptions): Announcements {
  const { gossip } = options.host.libp2p.services;
  if (gossip === undefined) {
    throw new Error('this host has no gossip: name the run in the runIds of createHost');
  }
  const topic = announcementTopic(options.runId);
  const counts = { announcementsIn: 0, announcementsOut: 0, announcementsRejected: 0 };

  async function validate(from: PeerId, message: Message): Promise<TopicValidatorResult> {
    const peer = peerKeyOf(from);
    counts.announcementsIn++;
    if (peer === null) {
      counts.announcementsRejected++;
      return TopicValidatorResult.Reject;
    }
    const verdict = await inTime(options.judge(peer, message.data), VERDICT_TIMEOUT_MS);
    if (verdict === 'reject') {
      counts.announcementsRejected++;
    }
    return RESULT_OF[verdict];
  }

  return {
    start() {
      gossip.topicValidators.set(topic, validate);
      gossip.subscribe(topic);
    },
    stop() {
      // A stopped gossipsub has no subscriptions left and throws.
      if (options.host.libp2p.status === 'started') {
        gossip.unsubscribe(topic);
      }
      gossip.topicValidators.delete(topic);
    },
    async announce(bytes) {
      if (bytes.length > announcementBytesMax) {
        throw new AnnouncementTooLargeError(
          `an announcement of ${bytes.length} bytes is above ${announcementBytesMax}: announce its hash and serve the body`,
        );
      }
      const { recipients } = await gossip.publish(topic, bytes);
      counts.announcementsOut++;
      if (recipients.length === 0) {
        options.onEvent({ kind: 'announced-to-nobody', bytes: bytes.length });
      }
    },
    counts: () => ({ ...counts }),
  };
}

function inTime(verdict: Promise<Verdict>, timeoutMs: number): Promise<Verdict> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('ignore'), timeoutMs);
    verdict.then(resolve, () => resolve('ignore')).finally(() => clearTimeout(timer));
  });
}
