/** The page of annotators: one record at a time, answered with a key. What it shows of others is text and nothing else. */

import { type JSX, render } from 'preact';
import type { DisputedCard, LabelCard, LabelWork } from '../api/label-work.ts';
import { reasonOf } from '../core/as-error.ts';
import type { AnswerEditor, EditorOptions } from './answer-editor.ts';
import { ChoiceEditor } from './choice-editor.tsx';
import { takeCode } from './link-code.ts';
import { holdPass, withPass } from './pass.ts';
import { SpanEditor } from './span-editor.tsx';
import { TextEditor } from './text-editor.tsx';
import { rememberedTheme, rememberTheme } from './theme.ts';

/** What others said is seen without anybody asking. */
const lookEveryMs = 3000;
/** Answers that can be taken back. */
const undoMax = 50;
/** A pause is no answer that took so long. */
const msMax = 3_600_000;

interface Given {
  readonly card: LabelCard;
  readonly value: string | null;
}

class LabelPage {
  readonly #root: HTMLElement;
  #work: LabelWork | null = null;
  /** The newest last. */
  #given: readonly Given[] = [];
  /** What was answered before and is shown again; null: the next one. */
  #again: Given | null = null;
  #isDeciding = false;
  #shownAtMs = performance.now();
  #shown: string | null = null;
  /** Of the record that is shown. */
  #editor: AnswerEditor | null = null;
  /** Of the answers of others to it, the one that was looked at last. */
  #proposal = -1;
  /** What was done last, for those who hear the page. */
  #told = '';
  #problem: string | null = null;
  #isBusy = false;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  start(): void {
    const code = takeCode();
    if (code !== null) holdPass(code);
    rememberTheme(rememberedTheme());
    addEventListener('keydown', (event) => this.#press(event));
    void this.#ask('work');
    setInterval(() => void (this.#isBusy || this.#ask('work')), lookEveryMs);
  }

  #disputes(): readonly DisputedCard[] {
    return this.#work?.disputes ?? [];
  }

  #card(): LabelCard | DisputedCard | null {
    if (this.#isDeciding) return this.#disputes()[0] ?? null;
    // What is on its way is not shown again.
    return this.#again?.card ?? this.#work?.cards[0] ?? null;
  }

  #press(event: KeyboardEvent): void {
    const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping || !this.#work) return;
    // A button that has the focus is pressed by these.
    const isButton = event.target instanceof HTMLElement && event.target.closest('button, summary') !== null;
    if (isButton && (event.key === 'Enter' || event.key === ' ')) return;
    const isArrow = event.key.startsWith('Arrow');
    if (event.repeat && !isArrow) return;
    if (this.#editor?.press(event)) event.preventDefault();
    else if (this.#command(event.key)) event.preventDefault();
  }

  /** Whether the key meant something. */
  #command(key: string): boolean {
    if (key === 's' && !this.#isDeciding) this.#answer(null);
    else if (key === 'Backspace') this.#back();
    else if (key === 'd' && this.#work?.disputes) this.#change();
    else if (key === 'g') this.#guidelines();
    else if (this.#isDeciding && (key === 'ArrowDown' || key === 'ArrowUp'))
      this.#propose(key === 'ArrowDown' ? 1 : -1);
    else return false;
    return true;
  }

  /** The next of the answers of others, or the one before. */
  #propose(step: 1 | -1): void {
    const card = this.#card();
    const values = card !== null && 'tally' in card ? Object.keys(card.tally) : [];
    // One of a list is decided with its own key.
    if (values.length === 0 || this.#editor instanceof ChoiceEditor) return;
    this.#proposal = (Math.max(this.#proposal, step === 1 ? -1 : 0) + step + values.length) % values.length;
    this.#editor?.load(values[this.#proposal]!);
  }

  #answer(value: string | null): void {
    const card = this.#card();
    if (card === null || this.#isBusy) return;
    const { record } = card;
    if (this.#isDeciding) {
      this.#told = `decided: ${this.#spoken(value)}`;
      void this.#ask('decide', { record, value });
      return;
    }
    const ms = Math.min(msMax, Math.round(performance.now() - this.#shownAtMs));
    const others = this.#given.filter((one) => one.card.record !== record);
    this.#given = [...others, { card, value }].slice(-undoMax);
    this.#again = null;
    this.#told = value === null ? 'skipped' : `answered: ${this.#spoken(value)}`;
    void this.#ask('answer', { record, value, ms });
  }

  #spoken(value: string | null): string {
    return value === null ? '' : (this.#editor?.spoken(value) ?? value);
  }

  #back(): void {
    const shown = this.#again?.card.record;
    const at =
      shown === undefined ? this.#given.length : this.#given.findIndex((one) => one.card.record === shown);
    const before = this.#given[at - 1];
    if (this.#isDeciding || before === undefined) return;
    this.#again = before;
    this.#told = 'back to the one before';
    this.#draw();
  }

  #change(): void {
    this.#isDeciding = !this.#isDeciding;
    this.#again = null;
    this.#told = this.#isDeciding ? 'deciding' : 'answering';
    this.#draw();
  }

  #guidelines(): void {
    const details = this.#root.querySelector('details');
    if (details) details.open = !details.open;
  }

  async #ask(path: 'work' | 'answer' | 'decide', said?: object): Promise<void> {
    this.#isBusy = said !== undefined;
    try {
      const headers = withPass(said === undefined ? {} : { 'content-type': 'application/json' });
      const body = said === undefined ? {} : { method: 'POST', body: JSON.stringify(said) };
      const response = await fetch(path, { headers, ...body });
      const answered = (await response.json()) as LabelWork & {
        readonly error?: { readonly message: string };
      };
      if (response.ok) this.#work = answered;
      this.#problem = response.ok ? null : (answered.error?.message ?? `it answered ${response.status}`);
    } catch (error) {
      this.#problem = `nobody answers at this address any more (${reasonOf(error)})`;
    }
    this.#isBusy = false;
    this.#draw();
  }

  #draw(): void {
    const card = this.#card();
    // The same record is another task to whoever decides.
    const shown = card && `${card.record}${'tally' in card}`;
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.#shownAtMs = performance.now();
      this.#proposal = -1;
      this.#editor = card && this.#work ? this.#editorOf(card, this.#work.question) : null;
    }
    render(this.#page(card), this.#root);
  }

  #editorOf(card: LabelCard, question: LabelWork['question']): AnswerEditor {
    const options: EditorOptions = {
      ...{ question, card, before: this.#again?.value ?? null },
      changed: (told) => {
        this.#told = told;
        this.#draw();
      },
      answer: (value) => this.#answer(value),
    };
    switch (question.way) {
      case 'choose':
        return new ChoiceEditor(options);
      case 'mark':
        return new SpanEditor(options);
      case 'write':
        return new TextEditor(options);
      default:
        return question.way satisfies never;
    }
  }

  #page(card: LabelCard | DisputedCard | null): JSX.Element {
    const work = this.#work;
    return (
      <>
        <header>
          <h1>{work?.question.text ?? 'starlings'}</h1>
          {work && this.#progress(work)}
        </header>
        <main>
          <p class="hidden" role="status" aria-live="polite">
            {this.#told}
          </p>
          {this.#problem !== null && (
            <p class="problem wide" role="alert">
              {this.#problem}
            </p>
          )}
          {work?.trouble && <p class="problem wide">{work.trouble}</p>}
          {this.#editor && card ? this.#cardSection(this.#editor, card) : work && this.#nothing()}
          {work && work.guidelines !== '' && (
            <section class="wide">
              <details>
                <summary>
                  Guidelines <kbd>g</kbd>
                </summary>
                <p class="text">{work.guidelines}</p>
              </details>
            </section>
          )}
        </main>
      </>
    );
  }

  #progress({ progress, disputes }: LabelWork): JSX.Element {
    const { records, answered, skipped, labelled, waiting } = progress;
    return (
      <>
        <progress max={Math.max(1, records)} value={answered + skipped} aria-label="records you have seen" />
        <span id="progress">
          {answered} of {records} answered by you, {skipped} skipped; {labelled} labelled by all
          {waiting > 0 && `; ${waiting} on the way`}
        </span>
        {disputes !== null && (
          <button type="button" aria-pressed={this.#isDeciding} onClick={() => this.#change()}>
            Decide {disputes.length} <kbd>d</kbd>
          </button>
        )}
      </>
    );
  }

  #nothing(): JSX.Element {
    return (
      <section class="wide">
        <h2>{this.#isDeciding ? 'Nothing is to be decided' : 'Nothing is left to answer'}</h2>
        <p class="quiet">More is shown here as soon as it comes.</p>
      </section>
    );
  }

  #cardSection(editor: AnswerEditor, card: LabelCard | DisputedCard): JSX.Element {
    const isSkipped = this.#again !== null && this.#again.value === null;
    return (
      <section class="wide" aria-label="record">
        {editor.record()}
        {'tally' in card && this.#proposals(editor, card)}
        <div class="answers">
          {editor.controls()}
          {!this.#isDeciding && (
            <button type="button" aria-pressed={isSkipped} onClick={() => this.#answer(null)}>
              Skip <kbd>s</kbd>
            </button>
          )}
          {!this.#isDeciding && this.#given.length > 0 && (
            <button type="button" onClick={() => this.#back()}>
              Back <kbd>⌫</kbd>
            </button>
          )}
        </div>
      </section>
    );
  }

  #proposals(editor: AnswerEditor, { tally }: DisputedCard): JSX.Element {
    const rows = Object.entries(tally).map(([value, count]) => ({
      value,
      said: editor.spoken(value),
      count,
    }));
    if (editor instanceof ChoiceEditor)
      return <p class="quiet">{rows.map(({ said, count }) => `${said}: ${count}`).join(', ')}</p>;
    return (
      <fieldset class="answers" aria-label="answers of others">
        {rows.map(({ value, said, count }, at) => (
          <button
            key={value}
            type="button"
            dir="auto"
            aria-pressed={at === this.#proposal}
            onClick={() => {
              this.#proposal = at;
              editor.load(value);
            }}
          >
            {said} ({count})
          </button>
        ))}
        <span class="quiet">
          <kbd>↓</kbd> <kbd>↑</kbd>
        </span>
      </fieldset>
    );
  }
}

new LabelPage(document.getElementById('page')!).start();
