import type { Clock } from '../core/ports.ts';

export interface Recurring {
  /** Runs the task as soon as may be. */
  hurry(): void;
  /** Aborts the run in progress and waits for its end. */
  stop(): Promise<void>;
}

/**
 * Runs `task` again and again, one at a time, the first time at once. The task resolves to the milliseconds
 * until its next run; it must not reject, save after its signal was aborted.
 * @param gapMs at least so much lies between the beginnings of two runs, however much hurry there is: strangers
 *   can cause it
 */
export function startRecurring(
  clock: Clock,
  gapMs: number,
  task: (signal: AbortSignal) => Promise<number>,
): Recurring {
  const controller = new AbortController();
  let cancelTimer = () => {};
  let running: Promise<void> | null = null;
  let startedMs = clock.nowMs();
  let again = false;

  function runIn(waitMs: number): void {
    const nowMs = clock.nowMs();
    cancelTimer();
    // The clock may have been set back since.
    const earliestMs = Math.min(startedMs, nowMs) + gapMs;
    cancelTimer = clock.schedule(Math.max(nowMs + waitMs, earliestMs), run);
  }

  function run(): void {
    again = false;
    startedMs = clock.nowMs();
    running = task(controller.signal).then(
      (waitMs) => {
        running = null;
        if (!controller.signal.aborted) {
          runIn(again ? 0 : waitMs);
        }
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
        runIn(0);
      }
    },
    async stop() {
      controller.abort();
      cancelTimer();
      await running;
    },
  };
}
