/** Parts of a text and what they are, marked word by word with the keyboard or with the mouse. */
import type { JSX } from 'preact';
import { spansOf, spansText } from '../entries/labels/spans.ts';
import type { AnswerEditor, EditorOptions } from './answer-editor.ts';
import { keysOf } from './label-keys.ts';
import {
  erased,
  extended,
  marked,
  type Piece,
  piecesOf,
  pointed,
  type SpanDraft,
  spanDraft,
  stepped,
} from './span-draft.ts';

/** Colours that are told apart beside each other; labels are written out as well. */
const colours = 6;

export class SpanEditor implements AnswerEditor {
  readonly #options: EditorOptions;
  #draft: SpanDraft;

  constructor(options: EditorOptions) {
    this.#options = options;
    this.#draft = spanDraft(options.card.text, this.#spans(options.before ?? '[]'));
  }

  press(event: KeyboardEvent): boolean {
    const { key, shiftKey } = event;
    if (key === 'ArrowRight' || key === 'ArrowLeft') {
      const way = key === 'ArrowRight' ? 'right' : 'left';
      this.#select(shiftKey ? extended(this.#draft, way) : stepped(this.#draft, way));
    } else if (key === 'Delete') this.#erase();
    else if (key === 'Enter') this.#done();
    else {
      const label = keysOf(this.#options.question.choices).indexOf(key.toLowerCase());
      if (label < 0) return false;
      this.#mark(label);
    }
    return true;
  }

  load(value: string): void {
    this.#draft = spanDraft(this.#draft.text, this.#spans(value));
    this.#options.changed(this.spoken(value));
  }

  record(): JSX.Element {
    return (
      // The keyboard does the same from anywhere on the page.
      <p
        id="record"
        class="text spans"
        dir="auto"
        onMouseUp={({ currentTarget }) => this.#point(currentTarget)}
      >
        {piecesOf(this.#draft).map((piece) => this.#piece(piece))}
      </p>
    );
  }

  controls(): JSX.Element {
    const { choices } = this.#options.question;
    const letters = keysOf(choices);
    const { selected, spans, text } = this.#draft;
    return (
      <>
        {choices.map((label, at) => (
          <button
            key={label}
            type="button"
            class={`mark-${at % colours}`}
            disabled={selected === null}
            onClick={() => this.#mark(at)}
          >
            {label} <kbd>{letters[at]}</kbd>
          </button>
        ))}
        <button type="button" disabled={selected === null} onClick={() => this.#erase()}>
          Erase <kbd>Del</kbd>
        </button>
        <button type="button" onClick={() => this.#done()}>
          {spans.length === 0 ? 'Nothing here' : 'Done'} <kbd>⏎</kbd>
        </button>
        <ul id="marks" aria-label="marked">
          {spans.map(([from, to, label]) => (
            <li key={from}>
              {choices[label]}: <q dir="auto">{text.slice(from, to)}</q>
            </li>
          ))}
        </ul>
        <p class="quiet">
          <kbd>←</kbd> <kbd>→</kbd> select a word, with <kbd>⇧</kbd> several; the mouse selects too.
        </p>
      </>
    );
  }

  spoken(value: string): string {
    const spans = this.#spans(value);
    const { choices } = this.#options.question;
    const { text } = this.#options.card;
    return spans.length === 0
      ? 'nothing'
      : spans.map(([from, to, label]) => `${choices[label]}: ${text.slice(from, to)}`).join('; ');
  }

  #spans(value: string) {
    return spansOf(value, this.#options.question.choices.length) ?? [];
  }

  #piece({ from, text, label, isSelected, isLast }: Piece): JSX.Element {
    const selected = isSelected ? ' selected' : '';
    if (label === null)
      return (
        <span key={from} class={selected.trim()}>
          {text}
        </span>
      );
    // What the label is called is drawn by the style sheet: it is no part of the text.
    return (
      <mark
        key={from}
        class={`mark-${label % colours}${selected}`}
        {...(isLast ? { 'data-label': this.#options.question.choices[label] } : {})}
      >
        {text}
      </mark>
    );
  }

  #point(record: HTMLElement): void {
    const selection = getSelection();
    if (selection === null || selection.rangeCount === 0) return;
    const range = selection.getRangeAt(0);
    if (!record.contains(range.startContainer) || !record.contains(range.endContainer)) return;
    const before = document.createRange();
    before.setStart(record, 0);
    before.setEnd(range.startContainer, range.startOffset);
    const from = before.toString().length;
    const to = from + range.toString().length;
    // It is shown by us, and would be in the way of the next one.
    selection.removeAllRanges();
    this.#select(pointed(this.#draft, from, to));
  }

  #select(draft: SpanDraft): void {
    this.#draft = draft;
    const { selected, text } = draft;
    this.#options.changed(selected === null ? '' : `selected: ${text.slice(selected.from, selected.to)}`);
  }

  #mark(label: number): void {
    const draft = marked(this.#draft, label);
    if (draft === null) {
      this.#options.changed(
        this.#draft.selected === null ? 'select something first' : 'no more can be marked',
      );
      return;
    }
    this.#draft = draft;
    this.#options.changed(`marked: ${this.#options.question.choices[label]}`);
  }

  #erase(): void {
    this.#draft = erased(this.#draft);
    this.#options.changed('erased');
  }

  #done(): void {
    this.#options.answer(spansText(this.#draft.spans));
  }
}
