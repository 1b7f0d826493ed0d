/** Whether a port takes connections, and if not, in which of the ways that people can do something about. */
import { connect } from 'node:net';

export type PortOutcome =
  /** Nobody listens on that port. */
  | { readonly kind: 'refused' }
  /** Neither yes nor no: filtered, or nothing is there. */
  | { readonly kind: 'timeout' }
  /** No way there from here. */
  | { readonly kind: 'unreachable'; readonly reason: string };

/** Null where it takes them. */
export function portOutcome(
  { host, port }: { readonly host: string; readonly port: number },
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<PortOutcome | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    const end = (outcome: PortOutcome | null): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(timeoutMs, () => end({ kind: 'timeout' }));
    socket.once('connect', () => end(null));
    socket.once('error', (error: NodeJS.ErrnoException) => end(outcomeOf(error.code ?? error.message)));
  });
}

function outcomeOf(code: string): PortOutcome {
  switch (code) {
    case 'ECONNREFUSED':
      return { kind: 'refused' };
    case 'ETIMEDOUT':
      return { kind: 'timeout' };
    default:
      return { kind: 'unreachable', reason: code };
  }
}
