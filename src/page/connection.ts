/** The stream of what happens, taken up again as often as it ends. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { Hello, Update } from '../api/live.ts';
import { withPass } from './pass.ts';

export interface StreamHandlers {
  /** `isNode`: who tells it can be commanded. */
  readonly onHello: (hello: Hello, isNode: boolean) => void;
  readonly onUpdate: (update: Update) => void;
  /** `isStranger`: nothing is told without the token. */
  readonly onLost: (isStranger: boolean) => void;
}

/** Until the node is asked again. Guess. */
const retryMs = 500;

/** For as long as the page is open. `retry` asks at once. */
export function connect(address: string, handlers: StreamHandlers): { retry(): void } {
  let wake = (): void => {};
  // What lets it in may come while it is still being refused.
  let isAsked = false;
  const follow = async (): Promise<void> => {
    for (;;) {
      isAsked = false;
      const status = await hear(address, handlers).catch(() => null);
      handlers.onLost(status === 401);
      if (isAsked) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        // Nothing changes for a stranger until somebody gives the token.
        if (status !== 401) setTimeout(resolve, retryMs);
      });
    }
  };
  void follow();
  return {
    retry: () => {
      isAsked = true;
      wake();
    },
  };
}

/** Until the stream ends, or the status that it was refused with. An EventSource could not show what lets it in. */
async function hear(address: string, { onHello, onUpdate }: StreamHandlers): Promise<number | null> {
  const response = await fetch(address, { headers: withPass() });
  if (!response.ok || !response.body) return response.status;
  const isNode = response.headers.get('x-starlings') === 'node';
  const messages = response.body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  for (;;) {
    const { done, value } = await messages.read();
    if (done) return null;
    if (value.event === 'hello') onHello(JSON.parse(value.data), isNode);
    else if (value.event === 'update') onUpdate(JSON.parse(value.data));
  }
}
