/** What a trainer prints, as lines for a log, and no more of them than a log should take. */
import type { Readable } from 'node:stream';
import { wallClock } from '../../platform/node/wall-clock.ts';
import { withoutControls } from './messages.ts';

/** Characters of a line; the rest of it is left out. */
const lineMax = 1_000;
/** Lines in a window of time. Guess: a progress bar that is drawn ten times a second fits. */
const linesMax = 200;
const windowMs = 10_000;

export class PrintedLines {
  readonly #onLine: (line: string) => void;
  readonly #streams: Array<{ held: string }> = [];
  #windowFromMs = Number.NEGATIVE_INFINITY;
  #inWindow = 0;
  #leftOut = 0;
  /** The newest line that says something, told or left out. */
  last = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  read(stream: Readable): void {
    const state = { held: '' };
    this.#streams.push(state);
    stream.setEncoding('utf8');
    stream.on('error', () => {});
    stream.on('data', (text: string) => {
      // Progress bars return to the beginning of their line.
      const lines = (state.held + text).split(/[\r\n]+/);
      state.held = lines.pop()!.slice(0, lineMax);
      for (const line of lines) this.#take(line);
    });
  }

  /** What has no end of line yet is told. */
  end(): void {
    for (const state of this.#streams) this.#take(state.held);
    this.#tellLeftOut();
  }

  #take(text: string): void {
    const line = withoutControls(text.slice(0, lineMax));
    if (line === '') return;
    this.last = line;
    const nowMs = wallClock.nowMs();
    if (nowMs - this.#windowFromMs >= windowMs) {
      this.#tellLeftOut();
      this.#windowFromMs = nowMs;
      this.#inWindow = 0;
    }
    if (this.#inWindow < linesMax) {
      this.#inWindow += 1;
      this.#onLine(line);
    } else this.#leftOut += 1;
  }

  #tellLeftOut(): void {
    if (this.#leftOut > 0) this.#onLine(`(${this.#leftOut} more lines were left out)`);
    this.#leftOut = 0;
  }
}
