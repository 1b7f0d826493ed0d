/** Stdout may go away under a command (`| head -1`), or be full (`> /dev/full`): that is the end of it, and no defect. */
import { EXIT_FAILURE, EXIT_HUNG_UP } from './exit.ts';

/** 128 plus the number of SIGPIPE: what a program has that ends by it. */
const EXIT_PIPE = 141;

export interface OutputLoss {
  /** Whoever read has gone: nobody is left to be told. */
  readonly isQuiet: boolean;
  readonly exitCode: number;
  readonly sentence: string;
}

let loss: OutputLoss | null = null;
const listeners = new Set<(loss: OutputLoss) => void>();

/** Once a process: without it Node ends with a stack. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (loss !== null) return;
    // A terminal that was closed can be written to no more, and that is all there is to say of it.
    const isHungUp = error.code === 'EIO' && process.stdout.isTTY;
    const isQuiet = isHungUp || error.code === 'EPIPE';
    const sentence = `what is printed cannot be written (${error.message}): free some space or print elsewhere`;
    const exitCode = isHungUp ? EXIT_HUNG_UP : isQuiet ? EXIT_PIPE : EXIT_FAILURE;
    loss = { isQuiet, exitCode, sentence };
    for (const listener of listeners) listener(loss);
  });
  // There is nowhere else to say it.
  process.stderr.on('error', () => {});
}

export function outputLoss(): OutputLoss | null {
  return loss;
}

/** Hears of the loss, until the returned function is called. */
export function onOutputLoss(listener: (loss: OutputLoss) => void): () => void {
  listeners.add(listener);
  if (loss !== null) listener(loss);
  return () => listeners.delete(listener);
}
