import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Of what is alive, that much may come on top before V8 collects; its own rule lets a small heap grow to four times that, for the
 * throughput of programs that do nothing else. Guess.
 */
const heapGrowingPercent = 30;

let areSmall = false;

/**
 * For all heaps of this process: a node mostly waits, and trains outside of the heap. The young generation, which V8 would let grow to
 * 48 MB a thread, keeps the size it has, and at that size is collected by one thread in half the processor time that several take. To be
 * called before much is loaded. The old one is left alone until then: of what a program loads nearly all stays.
 */
export function keepHeapsSmall(): void {
  areSmall = true;
  keepYoungSmall();
}

/**
 * To be called once the program is loaded, before a collection, which looks how large a heap may become. And once a thread has begun: V8
 * configures its heap then, and sets factors below 2 back to 2 for all heaps.
 */
export function keepHeapsSmallStill(): void {
  if (!areSmall) return;
  keepYoungSmall();
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
}

function keepYoungSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-parallel-scavenge');
}

/**
 * Collects all garbage of this thread and gives the pages back to the system, which V8 by itself does not do while there is room. Takes
 * a tenth of a second: for when there is nothing to do.
 */
export function releaseGarbage(): void {
  collect ??= exposedCollector();
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

type Collector = (how: Readonly<Record<'type' | 'execution' | 'flavor', string>>) => void;

let collect: Collector | null = null;

/** V8 hands it to contexts made after the flag is set; ours was made before. */
function exposedCollector(): Collector {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collector;
}
