/**
 * yamux, on a connection that ends whenever it likes. It does not notice that one was over before it came, as where the other end hangs
 * up between its word on the multiplexer and ours, and it announces a new stream a moment after it was asked for: where it cannot write
 * then it throws where nobody can catch it, and the process ends.
 */
import { type StreamMuxerFactory, StreamStateError } from '@libp2p/interface';
import type { AbstractStreamMuxer } from '@libp2p/utils';
import { yamux } from '@libp2p/yamux';

export function muxer(init: Parameters<typeof yamux>[0]): () => StreamMuxerFactory {
  return () => {
    const factory = yamux(init)();
    const create: StreamMuxerFactory['createStreamMuxer'] = (connection) => {
      const made = outliving(factory.createStreamMuxer(connection) as AbstractStreamMuxer);
      if (connection.status !== 'open') made.onTransportClosed();
      return made;
    };
    return Object.create(factory, { createStreamMuxer: { value: create } });
  };
}

/** What goes to a connection that is closed goes nowhere; whoever has streams on it is told by them. */
function outliving(yamuxed: AbstractStreamMuxer): AbstractStreamMuxer {
  const send = yamuxed.send.bind(yamuxed);
  yamuxed.send = (data) => {
    try {
      return send(data);
    } catch (error) {
      if (error instanceof StreamStateError) return true;
      throw error;
    }
  };
  return yamuxed;
}
