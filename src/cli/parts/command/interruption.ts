/**
 * Ctrl-C once stops cleanly, twice at once. SIGTERM, the loss of our terminal and of a parent that watches us, or that is npm, stop
 * cleanly too.
 */
import { isatty } from 'node:tty';
import { watchNpm } from '../../../platform/node/npm-parent.ts';
import { EXIT_HUNG_UP, EXIT_INTERRUPTED, EXIT_TERMINATED, InterruptedError } from './exit.ts';
import { onOutputLoss } from './output-loss.ts';

export interface Interruption {
  readonly signal: AbortSignal;
  /** What asked us to stop, if anything did. */
  readonly cause: () => 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'parent' | 'output' | null;
  /** Gives the signals back to Node. */
  readonly release: () => void;
}

/** Under `npm start` one Ctrl-C arrives twice: from the terminal and, at once, from npm. People are slower. */
const oneCtrlCMs = 250;

/** Listens until released. `say` tells the user that stopping has begun. */
export function listenForInterruption(say: (line: string) => void): Interruption {
  const controller = new AbortController();
  let cause: ReturnType<Interruption['cause']> = null;
  const stop = (because: Exclude<typeof cause, null>, line: string | null, exitCode: number): void => {
    if (cause !== null) return;
    cause = because;
    if (line !== null) say(line);
    controller.abort(new InterruptedError(exitCode));
  };
  let interruptedAt = Number.NEGATIVE_INFINITY;
  const onInterrupt = (): void => {
    const sinceLastMs = performance.now() - interruptedAt;
    interruptedAt = performance.now();
    if (sinceLastMs < oneCtrlCMs) return;
    if (cause !== null) process.exit(EXIT_INTERRUPTED);
    stop('SIGINT', 'stopping; Ctrl-C again stops at once', EXIT_INTERRUPTED);
  };
  const onTerminate = (): void => stop('SIGTERM', 'stopping', EXIT_TERMINATED);
  const onParentGone = (): void =>
    stop('parent', 'stopping: the process that started this one is gone', EXIT_TERMINATED);
  // Node takes SIGHUP again where nohup has it ignored; nohup also takes the terminal away, which is how we know.
  const hasTerminal = [0, 1, 2].some((fd) => isatty(fd));
  const onHangUp = (): void => {
    if (hasTerminal) stop('SIGHUP', 'stopping: hung up (SIGHUP)', EXIT_HUNG_UP);
  };
  const forgetNpm = watchNpm(onParentGone);
  const forgetOutput = onOutputLoss(({ exitCode }) => stop('output', null, exitCode));
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  process.on('SIGHUP', onHangUp);
  // `starlings start` holds an IPC channel to its nodes, so that none of them outlives it.
  if (process.connected) process.on('disconnect', onParentGone);
  return {
    signal: controller.signal,
    cause: () => cause,
    release: () => {
      forgetNpm();
      forgetOutput();
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
      process.off('SIGHUP', onHangUp);
      process.off('disconnect', onParentGone);
    },
  };
}
