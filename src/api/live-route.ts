/** A feed as server-sent events. */
import type { ServerResponse } from 'node:http';
import type { LiveFeed } from './live.ts';
import { reply } from './replies.ts';
import type { Watchers } from './watchers.ts';

export function serveLive(
  feed: LiveFeed,
  watchers: Watchers,
  response: ServerResponse,
  isOwner: boolean,
): void {
  const watcher = watchers.admit(response, isOwner);
  if (!watcher) {
    tooMany(response);
    return;
  }
  watcher.send('hello', feed.hello());
  watcher.onGone(feed.subscribe((update) => watcher.send('update', update)));
}

export function tooMany(response: ServerResponse): void {
  reply(response, 503, 'text/plain', 'too many watch already; with the token there is a place\n');
}
