/** libp2p takes what peers push of themselves as often as they push it, 300 KiB at a time. Honest ones do so once a second at most. */
import { setTimeout as passed } from 'node:timers/promises';
import { type IdentifyPush, identifyPush } from '@libp2p/identify';
import type { Connection, Stream } from '@libp2p/interface';
import { TokenBuckets } from '../conduct/token-buckets.ts';

/** Of one peer; what is beyond waits, and there is one such stream of a connection. */
const pushes = { burst: 8, perSecond: 1 };

/** Of the library's inside, what takes a push. */
interface Taking {
  handleProtocol?(stream: Stream, connection: Connection): Promise<void>;
}

export function pacedPush(...init: Parameters<typeof identifyPush>): ReturnType<typeof identifyPush> {
  const create = identifyPush(...init);
  return (components): IdentifyPush => {
    const service = create(components);
    const inside = service as Taking;
    const take = inside.handleProtocol?.bind(service);
    if (take === undefined)
      throw new Error('this version of @libp2p/identify takes pushes another way: pace them there');
    const taken = new TokenBuckets(pushes);
    inside.handleProtocol = async (stream, connection) => {
      const waitMs = taken.waitMsAndSpend(connection.remotePeer.toString(), 1, performance.now());
      if (waitMs > 0) await passed(waitMs, undefined, { ref: false });
      return take(stream, connection);
    };
    return service;
  };
}
