/** Shows successive states on a stream: in place on a terminal, as lines elsewhere. */
import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import { isMilestone, plainLine, plainLineEveryMs } from './plain-lines.ts';
import { type Painter, renderView, type Tone } from './render-view.ts';
import type { ViewState } from './view-state.ts';

export interface LiveView {
  readonly show: (state: ViewState) => void;
  /** A line that stays. */
  readonly note: (line: string) => void;
  /** Leaves the last state on the screen and gives the terminal back. */
  readonly end: () => void;
}

const STYLES = {
  strong: 'bold',
  quiet: 'dim',
  good: 'green',
  bad: 'red',
  accent: 'cyan',
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>;

/** The painter of a stream: none where it is no terminal, or NO_COLOR is set (no-color.org). */
export function painterFor(stream: NodeJS.WriteStream): Painter {
  return (tone, text) => styleText(STYLES[tone], text, { stream });
}

/** A view on `stream`. Nothing is written before the first `show` or `note`. */
export function createLiveView(stream: NodeJS.WriteStream): LiveView {
  // A terminal that does not know its width (some pseudo-terminals say 0) cannot be drawn on in place.
  return stream.isTTY && stream.columns > 0 ? createTerminalView(stream) : createPlainView(stream);
}

function createTerminalView(stream: NodeJS.WriteStream): LiveView {
  const paint = painterFor(stream);
  const update = createLogUpdate(stream);
  return {
    show: (state) => update(renderView(state, stream.columns, paint)),
    note: (line) => update.persist(line),
    end: () => update.done(),
  };
}

function createPlainView(stream: NodeJS.WriteStream): LiveView {
  let earlier: ViewState | null = null;
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show: (state) => {
      const now = performance.now();
      if (isMilestone(state, earlier) || now - shownAt >= plainLineEveryMs) {
        stream.write(`${plainLine(state)}\n`);
        shownAt = now;
      }
      earlier = state;
    },
    note: (line) => stream.write(`${line}\n`),
    end: () => {},
  };
}
