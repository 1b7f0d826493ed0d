/** Shows successive states on a stream: in place on a terminal, as lines elsewhere and in the background of a shell. */
import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import { printableLines } from '../parts/command/output.ts';
import { isInForeground } from './foreground.ts';
import { type NodeState, renderNode } from './node-view.ts';
import { isMilestone, plainLine, plainLineEveryMs } from './plain-lines.ts';
import { type Painter, renderView, type TextStyle } from './render-view.ts';
import { toldOn } from './text-fit.ts';
import type { ViewState } from './view-state.ts';

export interface LiveView<State> {
  readonly show: (state: State) => void;
  /** A line that stays. */
  readonly note: (line: string) => void;
  /** Leaves the last state on the screen and gives the terminal back. */
  readonly end: () => void;
}

/** Of a terminal that does not say. */
const linesUsual = 24;

const STYLES = {
  strong: 'bold',
  quiet: 'dim',
  good: 'green',
  bad: 'red',
  accent: 'cyan',
} as const satisfies Record<TextStyle, Parameters<typeof styleText>[0]>;

/** The painter of a stream: none where it is no terminal, or NO_COLOR is set (no-color.org). */
export function painterFor(stream: NodeJS.WriteStream): Painter {
  return (tone, text) => styleText(STYLES[tone], text, { stream });
}

/** A view of a testnet on `stream`. Nothing is written before the first `show` or `note`. */
export function createLiveView(stream: NodeJS.WriteStream): LiveView<ViewState> {
  const plain = createPlainView(stream);
  return isDrawable(stream) ? createTerminalView(stream, renderView, plain) : plain;
}

/** A view of the runs of one node; where it cannot be drawn, its notes alone say what happens. */
export function createNodeView(stream: NodeJS.WriteStream): LiveView<NodeState> {
  const plain: LiveView<NodeState> = {
    show: () => {},
    note: (line) => stream.write(`${toldOn(stream, printableLines(line))}\n`),
    end: () => {},
  };
  return isDrawable(stream) ? createTerminalView(stream, renderNode, plain) : plain;
}

/** A terminal that does not know its width (some pseudo-terminals say 0), or no escape sequence, cannot be drawn on in place. */
function isDrawable(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && stream.columns > 0 && process.env['TERM'] !== 'dumb';
}

/** `plain`: what shows it while the terminal is lent to somebody else. */
function createTerminalView<State>(
  stream: NodeJS.WriteStream,
  render: (state: State, columns: number, paint: Painter, lines: number) => string,
  plain: LiveView<State>,
): LiveView<State> {
  const paint = painterFor(stream);
  const update = createLogUpdate(stream);
  let last: State | null = null;
  let isDrawn = false;
  const draw = (state: State): void => {
    update(render(state, stream.columns, paint, stream.rows || linesUsual));
    isDrawn = true;
  };
  const leave = (): void => {
    if (isDrawn) update.done();
    isDrawn = false;
  };
  return {
    show: (state) => {
      last = state;
      if (isInForeground()) return draw(state);
      leave();
      plain.show(state);
    },
    note: (line) => {
      if (!isInForeground()) {
        leave();
        return plain.note(line);
      }
      update.persist(toldOn(stream, printableLines(line)));
      if (last !== null) draw(last);
    },
    end: leave,
  };
}

function createPlainView(stream: NodeJS.WriteStream): LiveView<ViewState> {
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
    note: (line) => stream.write(`${toldOn(stream, printableLines(line))}\n`),
    end: () => {},
  };
}
