/** The stream of what happens, taken up again as often as it ends. */
import type { Hello, Update } from '../api/live.ts';

export interface StreamHandlers {
  readonly onHello: (hello: Hello) => void;
  readonly onUpdate: (update: Update) => void;
  readonly onLost: () => void;
}

/** A browser gives up where it is answered with an error. Guess. */
const retryMs = 1000;

export function connect(address: string, handlers: StreamHandlers): void {
  const source = new EventSource(address);
  source.addEventListener('hello', ({ data }) => handlers.onHello(JSON.parse(data)));
  source.addEventListener('update', ({ data }) => handlers.onUpdate(JSON.parse(data)));
  source.addEventListener('error', () => {
    handlers.onLost();
    if (source.readyState !== EventSource.CLOSED) return;
    source.close();
    setTimeout(() => connect(address, handlers), retryMs);
  });
}
