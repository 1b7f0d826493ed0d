/** An answer in the annotator's words. */
import type { JSX } from 'preact';
import type { AnswerEditor, EditorOptions } from './answer-editor.ts';

export class TextEditor implements AnswerEditor {
  readonly #options: EditorOptions;
  #text: string;

  constructor(options: EditorOptions) {
    this.#options = options;
    this.#text = options.before ?? '';
  }

  press({ key }: KeyboardEvent): boolean {
    if (key !== 'Enter') return false;
    this.#done();
    return true;
  }

  load(value: string): void {
    this.#text = value;
    this.#options.changed(value);
  }

  record(): JSX.Element {
    return (
      <p id="record" class="text" dir="auto">
        {this.#options.card.text}
      </p>
    );
  }

  controls(): JSX.Element {
    const { card, question } = this.#options;
    return (
      <>
        <textarea
          key={card.record}
          id="words"
          rows={3}
          dir="auto"
          aria-label="your answer"
          maxLength={question.charactersMax ?? undefined}
          value={this.#text}
          onInput={({ currentTarget }) => {
            this.#text = currentTarget.value;
          }}
          onKeyDown={(event) => this.#typed(event)}
          ref={(element) => {
            // A new record is answered without a click.
            if (element && element.dataset['seen'] !== card.record) {
              element.dataset['seen'] = card.record;
              if (!('tally' in card)) element.focus();
            }
          }}
        />
        <button type="button" onClick={() => this.#done()}>
          Done <kbd>⏎</kbd>
        </button>
      </>
    );
  }

  spoken(value: string): string {
    return value;
  }

  /** The page has its keys back after Escape. */
  #typed(event: KeyboardEvent & { readonly currentTarget: HTMLTextAreaElement }): void {
    if (event.isComposing) return;
    if (event.key === 'Escape') event.currentTarget.blur();
    else if (event.key === 'Enter' && !event.shiftKey) this.#done();
    else return;
    event.preventDefault();
  }

  #done(): void {
    const text = this.#text.trim();
    if (text === '') this.#options.changed('write something, or skip');
    else this.#options.answer(text);
  }
}
