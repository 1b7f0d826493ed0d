/** One of several answers, given with a key or a click. */
import type { JSX } from 'preact';
import type { AnswerEditor, EditorOptions } from './answer-editor.ts';
import { keysOf, valueOfKey } from './label-keys.ts';

export class ChoiceEditor implements AnswerEditor {
  readonly #options: EditorOptions;

  constructor(options: EditorOptions) {
    this.#options = options;
  }

  /** Enter takes what is suggested. */
  press({ key }: KeyboardEvent): boolean {
    const { question, card, answer } = this.#options;
    const value = key === 'Enter' ? card.suggestion : valueOfKey(question.choices, key);
    if (value === null) return false;
    answer(value);
    return true;
  }

  load(value: string): void {
    this.#options.answer(value);
  }

  record(): JSX.Element {
    const { text, other } = this.#options.card;
    return other === null ? (
      <p id="record" class="text" dir="auto">
        {text}
      </p>
    ) : (
      <div class="two">
        {[text, other].map((one, at) => (
          <div key={at}>
            <h2>{at === 0 ? 'first' : 'second'}</h2>
            <p class="text" dir="auto">
              {one}
            </p>
          </div>
        ))}
      </div>
    );
  }

  controls(): JSX.Element {
    const { question, card, before, answer } = this.#options;
    const letters = keysOf(question.choices);
    return (
      <>
        {card.suggestion !== null && (
          <p id="suggestion" class="quiet">
            A model takes it for: {card.suggestion} <kbd>⏎</kbd>
          </p>
        )}
        {question.choices.map((value, at) => (
          <button key={value} type="button" aria-pressed={before === value} onClick={() => answer(value)}>
            {value} <kbd>{letters[at]}</kbd>
          </button>
        ))}
      </>
    );
  }

  spoken(value: string): string {
    return value;
  }
}
