/** What an annotator marks in a text, and which part of it is selected. Pure: places are code units of the text. */
import { type Span, spansMax } from '../entries/labels/spans.ts';

interface Part {
  readonly from: number;
  readonly to: number;
}

export interface SpanDraft {
  readonly text: string;
  /** In the order of the text. */
  readonly spans: readonly Span[];
  readonly selected: Part | null;
  /** What was selected before it was extended. */
  readonly anchor: Part | null;
}

export function spanDraft(text: string, spans: readonly Span[]): SpanDraft {
  return { text, spans, selected: null, anchor: null };
}

/** Words, and what stands between them and is no blank. */
function wordsOf(text: string): readonly Part[] {
  return [...text.matchAll(/[\p{L}\p{N}\p{M}]+|[^\s\p{L}\p{N}\p{M}]/gu)].map(({ 0: word, index }) => ({
    from: index,
    to: index + word.length,
  }));
}

function selecting(draft: SpanDraft, selected: Part | null | undefined, anchor = selected): SpanDraft {
  return selected ? { ...draft, selected, anchor: anchor ?? selected } : draft;
}

/** The word after what is selected, or before it. */
export function stepped(draft: SpanDraft, way: 'left' | 'right'): SpanDraft {
  const words = wordsOf(draft.text);
  const { selected } = draft;
  if (selected === null) return selecting(draft, way === 'right' ? words[0] : words.at(-1));
  return selecting(
    draft,
    way === 'right'
      ? words.find(({ from }) => from >= selected.to)
      : words.findLast(({ to }) => to <= selected.from),
  );
}

/** By a word more on this side, or less where the other side was extended. */
export function extended(draft: SpanDraft, way: 'left' | 'right'): SpanDraft {
  const { selected, anchor } = draft;
  if (selected === null || anchor === null) return stepped(draft, way);
  const words = wordsOf(draft.text);
  const { from, to } = selected;
  const before = words.findLast((word) => word.from < from)?.from ?? from;
  const after = words.find((word) => word.to > to)?.to ?? to;
  const [left, right] =
    way === 'right'
      ? from < anchor.from
        ? [words.find((word) => word.from > from)?.from ?? from, to]
        : [from, after]
      : to > anchor.to
        ? [from, words.findLast((word) => word.to < to)?.to ?? to]
        : [before, to];
  return selecting(draft, { from: left, to: right }, anchor);
}

/** What was selected with the mouse, without blanks around it; of nothing the word that was clicked. */
export function pointed(draft: SpanDraft, from: number, to: number): SpanDraft {
  if (from === to)
    return selecting(
      draft,
      wordsOf(draft.text).find((word) => word.from <= from && from < word.to),
    );
  const part = draft.text.slice(from, to);
  const first = from + part.length - part.trimStart().length;
  const last = to - (part.length - part.trimEnd().length);
  return first < last ? selecting(draft, { from: first, to: last }) : draft;
}

/** What is selected is this from now on; what was marked there before is not. Null where no more can be marked, or nothing is selected. */
export function marked(draft: SpanDraft, label: number): SpanDraft | null {
  const { selected } = draft;
  if (selected === null) return null;
  const spans = [...outside(draft, selected), [selected.from, selected.to, label] as const].sort(
    ([a], [b]) => a - b,
  );
  return spans.length > spansMax ? null : { ...draft, spans };
}

/** Without what is marked in what is selected. */
export function erased(draft: SpanDraft): SpanDraft {
  return draft.selected === null ? draft : { ...draft, spans: outside(draft, draft.selected) };
}

function outside({ spans }: SpanDraft, { from, to }: Part): readonly Span[] {
  return spans.filter((span) => span[1] <= from || span[0] >= to);
}

export interface Piece {
  readonly from: number;
  readonly text: string;
  /** Number of the label; null where it is not marked. */
  readonly label: number | null;
  readonly isSelected: boolean;
  /** The last one of what is marked: its label is written behind it. */
  readonly isLast: boolean;
}

/** The text in pieces that are marked and selected alike. */
export function piecesOf({ text, spans, selected }: SpanDraft): readonly Piece[] {
  const cuts = [0, text.length, ...spans.map(([from]) => from), ...spans.map(([, to]) => to)];
  if (selected) cuts.push(selected.from, selected.to);
  const places = [...new Set(cuts)].sort((a, b) => a - b);
  return places.slice(1).map((to, at) => {
    const from = places[at]!;
    const span = spans.find(([first, last]) => first <= from && to <= last);
    return {
      ...{ from, text: text.slice(from, to) },
      label: span?.[2] ?? null,
      isSelected: selected !== null && selected.from <= from && to <= selected.to,
      isLast: span !== undefined && span[1] === to,
    };
  });
}
