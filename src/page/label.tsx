/** The page of annotators: one record at a time, answered with a key. What it shows of others is text and nothing else. */

import { type JSX, render } from 'preact';
import type { DisputedCard, LabelCard, LabelWork } from '../api/label-work.ts';
import { reasonOf } from '../core/as-error.ts';
import { keysOf, valueOfKey } from './label-keys.ts';
import { takeCode } from './link-code.ts';
import { holdPass, withPass } from './pass.ts';
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
    const isTyping = event.target instanceof HTMLInputElement;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping || !this.#work) return;
    const value = valueOfKey(this.#work.question.values, event.key);
    if (value !== null) this.#answer(value);
    else if (event.key === 's' && !this.#isDeciding) this.#answer(null);
    else if (event.key === 'Backspace') this.#back();
    else if (event.key === 'd' && this.#work.disputes !== null) this.#change();
    else if (event.key === 'g') this.#guidelines();
    else return;
    event.preventDefault();
  }

  #answer(value: string | null): void {
    const card = this.#card();
    if (card === null || this.#isBusy) return;
    const { record } = card;
    if (this.#isDeciding) {
      this.#told = `decided: ${value}`;
      void this.#ask('decide', { record, value });
      return;
    }
    const ms = Math.min(msMax, Math.round(performance.now() - this.#shownAtMs));
    const others = this.#given.filter((one) => one.card.record !== record);
    this.#given = [...others, { card, value }].slice(-undoMax);
    this.#again = null;
    this.#told = value === null ? 'skipped' : `answered: ${value}`;
    void this.#ask('answer', { record, value, ms });
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
    if (card?.record !== this.#shown) {
      this.#shown = card?.record ?? null;
      this.#shownAtMs = performance.now();
    }
    render(this.#page(card), this.#root);
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
          {work && (card === null ? this.#nothing() : this.#cardSection(work, card))}
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

  #cardSection({ question: { values } }: LabelWork, card: LabelCard | DisputedCard): JSX.Element {
    const letters = keysOf(values);
    const before = this.#again?.value;
    const button = (label: string, key: string, act: () => void, isPressed: boolean): JSX.Element => (
      <button key={label} type="button" aria-pressed={isPressed} onClick={act}>
        {label} <kbd>{key}</kbd>
      </button>
    );
    return (
      <section class="wide" aria-label="record">
        {card.other === null ? (
          <p id="record" class="text" dir="auto">
            {card.text}
          </p>
        ) : (
          <div class="two">
            {[card.text, card.other].map((text, at) => (
              <div key={at}>
                <h2>{at === 0 ? 'first' : 'second'}</h2>
                <p class="text" dir="auto">
                  {text}
                </p>
              </div>
            ))}
          </div>
        )}
        {'tally' in card && (
          <p class="quiet">
            {Object.entries(card.tally)
              .map(([value, count]) => `${value}: ${count}`)
              .join(', ')}
          </p>
        )}
        <div class="answers">
          {values.map((value, at) =>
            button(value, letters[at]!, () => this.#answer(value), before === value),
          )}
          {!this.#isDeciding && button('Skip', 's', () => this.#answer(null), before === null)}
          {!this.#isDeciding && this.#given.length > 0 && button('Back', '⌫', () => this.#back(), false)}
        </div>
      </section>
    );
  }
}

new LabelPage(document.getElementById('page')!).start();
