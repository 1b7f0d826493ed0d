/** The run's gossip topic: small signed announcements, forwarded only after the core accepted them. */
import type { PeerKey, Verdict } from '../../core/io.ts';
import { announcementBytesMax } from '../../log/envelope.ts';
import { AnnouncementTooLargeError } from '../errors.ts';
import type { NetworkEventListener } from '../events.ts';
import type { HiddenRun } from '../hidden-run.ts';
import type { Host } from '../host/host.ts';
import { announcementTopic } from '../protocols.ts';

/** Gossipsub never forwards what is judged later than 5 s; a late verdict counts as `ignore`. */
const VERDICT_TIMEOUT_MS = 4_000;

/** Announcements that wait for their verdict, 64 MiB of them at most; more are ignored and come by repair. */
const pendingMax = 1_024;

export interface AnnouncementCounts {
  readonly announcementsIn: number;
  readonly announcementsOut: number;
  readonly announcementsRejected: number;
  /** Each announcement once, however many copies gossip made of it. */
  readonly announcedBytesIn: number;
  readonly announcedBytesOut: number;
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
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  readonly judge: (from: PeerKey, bytes: Uint8Array) => Promise<Verdict>;
  readonly onEvent: NetworkEventListener;
}

export function createAnnouncements(options: AnnouncementsOptions): Announcements {
  const { host, runId, hidden } = options;
  const { gossip } = host;
  const topic = announcementTopic(hidden?.name ?? runId);
  const counts = {
    announcementsIn: 0,
    announcementsOut: 0,
    announcementsRejected: 0,
    announcedBytesIn: 0,
    announcedBytesOut: 0,
  };
  let pending = 0;

  async function judged(from: PeerKey | null, bytes: Uint8Array): Promise<Verdict> {
    const opened = hidden ? hidden.openAnnouncement(bytes) : bytes;
    // A peer without an Ed25519 key cannot take part, nor one without the secret.
    if (from === null || opened === null) {
      return 'reject';
    }
    if (pending >= pendingMax) {
      return 'ignore';
    }
    pending++;
    try {
      return await inTime(options.judge(from, opened), VERDICT_TIMEOUT_MS);
    } finally {
      pending--;
    }
  }

  return {
    start() {
      gossip.join(topic, async (from, bytes) => {
        counts.announcementsIn++;
        counts.announcedBytesIn += bytes.length;
        const verdict = await judged(from, bytes);
        if (verdict === 'reject') {
          counts.announcementsRejected++;
        }
        return verdict;
      });
    },
    stop() {
      gossip.leave(topic);
    },
    async announce(bytes) {
      if (bytes.length > announcementBytesMax) {
        throw new AnnouncementTooLargeError(
          `an announcement of ${bytes.length} bytes is above ${announcementBytesMax}: announce its hash and serve the body`,
        );
      }
      const recipients = await gossip.publish(topic, hidden?.sealAnnouncement(bytes) ?? bytes);
      counts.announcementsOut++;
      counts.announcedBytesOut += bytes.length;
      if (recipients === 0) {
        options.onEvent({ kind: 'announced-to-nobody', bytes: bytes.length });
      }
    },
    counts: () => ({ ...counts }),
  };
}

function inTime(verdict: Promise<Verdict>, timeoutMs: number): Promise<Verdict> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('ignore'), timeoutMs);
    void verdict.then(resolve, () => resolve('ignore')).finally(() => clearTimeout(timer));
  });
}
