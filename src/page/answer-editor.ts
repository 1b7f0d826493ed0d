/** How an answer is given on the page of annotators: one implementation for each way of asking. */
import type { JSX } from 'preact';
import type { LabelCard, LabelWork } from '../api/label-work.ts';

export interface EditorOptions {
  readonly question: LabelWork['question'];
  readonly card: LabelCard;
  /** What was answered before; null for nothing. */
  readonly before: string | null;
  /** Something of it is to be shown anew; `told`: what was done, for those who hear the page. */
  readonly changed: (told: string) => void;
  readonly answer: (value: string) => void;
}

export interface AnswerEditor {
  /** Whether the key meant something. */
  press(event: KeyboardEvent): boolean;
  /** Begins with an answer of others. */
  load(value: string): void;
  /** The text of the record. */
  record(): JSX.Element;
  /** What answers it. */
  controls(): JSX.Element;
  /** An answer in words. */
  spoken(value: string): string;
}
