/**
 * What is written to a socket in one turn of the event loop goes to the kernel at once. libp2p hands each piece of a frame to the socket for
 * itself, length, ciphertext and tag, and without Nagle's algorithm each became a packet with 52 bytes of its own: more than was in them.
 */
import type { Socket } from 'node:net';

/** So much is worth a packet, whatever else comes. A packet over Ethernet has a tenth of it. */
const enoughBytes = 16_384;

export function gatherWrites(socket: Socket): void {
  const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
  let isGathering = false;
  const release = (): void => {
    if (!isGathering) return;
    isGathering = false;
    socket.uncork();
  };
  socket.write = (...given: unknown[]): boolean => {
    if (!isGathering) {
      isGathering = true;
      socket.cork();
      process.nextTick(release);
    }
    const hasRoom = write(...given);
    if (!hasRoom || socket.writableLength >= enoughBytes) release();
    return hasRoom;
  };
}
