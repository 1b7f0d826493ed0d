import type { Clock } from '../core/ports.ts';

export interface Recurring {
  /** Runs the task now, or right after the run in progress. */
  hurry(): void;
  /** Aborts the run in progress and waits for its end. */
  stop(): Promise<void>;
}

/**
 * Runs `task` again and again, one at a time, the first time at once. The task resolves to the milliseconds
 * until its next run; it must not reject, save after its signal was aborted.
 */
export function startRecurring(clock: Clock, task: (signal: AbortSignal) => Promise<number>): Recurring {
  const controller = new AbortController();
  let cancelTimer = () => {};
  let running: Promise<void> | null = null;
  let again = false;

  function run(): void {
    cancelTimer();
    again = false;
    running = task(controller.signal).then(
      (waitMs) => {
        running = null;
        if (controller.signal.aborted) {
          return;
        }
        cancelTimer = clock.schedule(clock.nowMs() + (again ? 0 : waitMs), run);
      },
      (error: unknown) => {
        running = null;
        if (!controller.signal.aborted) {
          throw error;
        }
      },
    );
  }

  run();
  return {
    hurry() {
      if (running !== null) {
        again = true;
      } else if (!controller.signal.aborted) {
        run();
      }
    },
    async stop() {
      controller.abort();
      cancelTimer();
      await running;
    },
  };
}
