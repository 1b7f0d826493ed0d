import type { Clock } from '../../core/ports.ts';

/** Timers do not notice when the clock is set or the machine slept: look at the clock that often meanwhile. */
const lookMs = 10_000;

/** The machine's own clock and timers. */
export const wallClock: Clock = {
  nowMs: () => Date.now(),
  schedule(atMs, callback) {
    let timer: NodeJS.Timeout;
    const look = (): void => {
      // A timer may also be a millisecond early by this clock.
      if (Date.now() >= atMs) callback();
      else wait();
    };
    const wait = (): void => {
      timer = setTimeout(look, Math.min(Math.max(0, atMs - Date.now()), lookMs));
    };
    wait();
    return () => clearTimeout(timer);
  },
};
