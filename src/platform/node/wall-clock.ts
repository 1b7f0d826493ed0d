import type { Clock } from '../../core/ports.ts';

/** The machine's own clock and timers. */
export const wallClock: Clock = {
  nowMs: () => Date.now(),
  schedule(atMs, callback) {
    // setTimeout cannot wait longer than 2^31 ms; a wake that comes early is harmless.
    const timer = setTimeout(callback, Math.min(Math.max(0, atMs - Date.now()), 0x7fff_ffff));
    return () => clearTimeout(timer);
  },
};
