/** Between the page of an annotator and the log: which record comes next, and what was said until the log has it. */
import { setTimeout as passed } from 'node:timers/promises';
import type { LabelDesk } from '../../../api/label-server.ts';
import type { GivenAnswer, GivenRuling, LabelCard, LabelWork } from '../../../api/label-work.ts';
import { reasonOf } from '../../../core/as-error.ts';
import { answersPerEntry } from '../../../entries/labels/answer-kind.ts';
import { disagreementsAmong, labelsOf, type RecordLabel } from '../../../entries/labels/consensus.ts';
import { choicesOf, isAnswer, takesTwo, wayOf } from '../../../entries/labels/question.ts';
import { spansFit, spansOf } from '../../../entries/labels/spans.ts';
import { isForLater, notCounted } from '../../../methods/submitted.ts';
import { throughFile } from '../written-entry.ts';
import type { LabelSource, NodesProject } from './label-project.ts';
import type { LabelRecord } from './label-records.ts';
import type { Suggestions } from './suggestions.ts';

export interface AnnotatorDeskOptions {
  readonly source: LabelSource;
  /** Of files that never leave this machine. */
  readonly own: readonly LabelRecord[];
  /** Null where no model is asked. */
  readonly suggestions: Suggestions | null;
  readonly signal: AbortSignal;
}

type Given = Omit<GivenAnswer, 'record'>;

/** What a page is told of at a time. */
const cardsMax = 16;
const lookEveryMs = 2000;
/** Values of a disputed record. */
const proposalsMax = 8;
/** A round may last a minute: what has no room in one is said in the next. */
const againMs = 400;
/** What was said last is written for so long, when the command ends. */
const lastWordMs = 10_000;

export class AnnotatorDesk implements LabelDesk {
  readonly #options: AnnotatorDeskOptions;
  #project: NodesProject;
  #records: ReadonlyMap<string, LabelRecord> = new Map();
  #labels: readonly RecordLabel[] = [];
  #disputed: readonly RecordLabel[] = [];
  /** What is not in the log yet, by record: the last word on each. */
  readonly #waiting = new Map<string, Given>();
  /** Answers and skips of this node, those that wait among them. */
  readonly #said = new Map<string, string | null>();
  #trouble: string | null = null;
  /** Why answers were given up; null where none were. */
  #refusal: string | null = null;
  #givenUp = 0;
  #isWriting = false;

  private constructor(options: AnnotatorDeskOptions, project: NodesProject) {
    this.#options = options;
    this.#project = project;
  }

  /** @throws as `commandNode` */
  static async open(options: AnnotatorDeskOptions): Promise<AnnotatorDesk> {
    const { source, signal } = options;
    const desk = new AnnotatorDesk(options, await source.project(signal));
    await desk.#look();
    return desk;
  }

  /** Looks for what others said until the signal is aborted; then writes what is left to write. */
  async follow(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      await passed(lookEveryMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      await this.#look().catch((error: unknown) => {
        this.#trouble = reasonOf(error);
      });
    }
    await this.writeAll(AbortSignal.timeout(lastWordMs));
  }

  /** Resolves when the log has all that it takes, or the signal is aborted: to why it has not all; null where it has. */
  async writeAll(signal: AbortSignal): Promise<string | null> {
    while (this.#waiting.size > 0 && !signal.aborted) {
      if (!this.#isWriting) await this.#write(signal);
      else await passed(againMs);
    }
    return this.#waiting.size > 0 ? this.#trouble : this.#refusal;
  }

  /** Answers that the log would not count. */
  get givenUp(): number {
    return this.#givenUp;
  }

  /** Answers that the log has not. */
  get waiting(): number {
    return this.#waiting.size;
  }

  work(): LabelWork {
    const { question, guidelines, adjudicators, peerKey } = this.#project;
    const said = [...this.#said].filter(([record]) => this.#records.has(record));
    const answered = said.filter(([, value]) => value !== null).length;
    return {
      question: {
        ...{ way: wayOf(question), text: question.text, choices: choicesOf(question) },
        charactersMax: 'charactersMax' in question ? question.charactersMax : null,
      },
      guidelines,
      cards: this.#next(),
      disputes: adjudicators.includes(peerKey)
        ? this.#disputed.slice(0, cardsMax).flatMap(({ record, tally }) => {
            const found = this.#records.get(record);
            return found ? [{ ...cardOf(found, null), tally: mostFrequent(tally) }] : [];
          })
        : null,
      progress: {
        ...{ records: this.#records.size, answered, skipped: said.length - answered },
        labelled: this.#labels.filter(({ record, label }) => label !== null && this.#records.has(record))
          .length,
        waiting: this.#waiting.size,
      },
      // What waits for the next round is told by its number: nobody has to do anything about it.
      trouble: this.#trouble !== null && isForLater(this.#trouble) ? null : this.#trouble,
    };
  }

  answer({ record, ...given }: GivenAnswer): void {
    this.#checkKnown(record, given.value);
    this.#waiting.set(record, given);
    this.#said.set(record, given.value);
    void this.#write(this.#options.signal);
  }

  async decide({ record, value }: GivenRuling): Promise<void> {
    this.#checkKnown(record, value);
    const { source, signal } = this.#options;
    await source.ask('decide', { record, value }, signal);
    await this.#look();
  }

  #checkKnown(hash: string, value: string | null): void {
    const record = this.#records.get(hash);
    if (record === undefined) throw new RangeError('there is no such record');
    const { question } = this.#project;
    if (value === null) return;
    if (!isAnswer(question, value)) throw new RangeError(`${value.slice(0, 64)} is none of the answers`);
    const spans = wayOf(question) === 'mark' ? spansOf(value, choicesOf(question).length) : null;
    if (spans !== null && !spansFit(spans, record.text))
      throw new RangeError('what is marked is not in the text');
  }

  /** Those first that lack the fewest answers, so that records come to a label one after another; among those what the model is least sure of. */
  #next(): LabelCard[] {
    const { answersMin } = this.#project;
    const { suggestions } = this.#options;
    const labels = new Map(this.#labels.map((label) => [label.record, label]));
    const lacking = ({ hash }: LabelRecord): number => {
      const { answers = 0, status = 'open' } = labels.get(hash) ?? {};
      return status === 'open' ? answersMin - answers : Number.POSITIVE_INFINITY;
    };
    return [...this.#records.values()]
      .filter(({ hash }) => !this.#said.has(hash) && labels.get(hash)?.status !== 'decided')
      .map((record) => ({ record, lacks: lacking(record), sure: suggestions?.sureOf(record.hash) ?? 0 }))
      .sort((a, b) => (a.lacks === b.lacks ? a.sure - b.sure : a.lacks - b.lacks))
      .slice(0, cardsMax)
      .map(({ record }) => cardOf(record, suggestions?.shown(record.hash) ?? null));
  }

  async #look(): Promise<void> {
    const { source, own, suggestions, signal } = this.#options;
    const project = await source.project(signal);
    const records = [...(await source.records(project, signal)), ...own];
    const wantsTwo = takesTwo(project.question);
    this.#project = project;
    this.#records = new Map(
      records.filter(({ other }) => wantsTwo === (other !== null)).map((record) => [record.hash, record]),
    );
    await suggestions?.learn([...this.#records.values()], project.peerKey, signal);
    this.#labels = labelsOf(project);
    this.#disputed = disagreementsAmong(this.#labels);
    // Nothing is forgotten: this may have been asked before the log had the last word.
    const { answers, skipped, peerKey } = project;
    for (const { author, record, value } of answers) if (author === peerKey) this.#said.set(record, value);
    for (const { author, record } of skipped) if (author === peerKey) this.#said.set(record, null);
    for (const [record, { value }] of this.#waiting) this.#said.set(record, value);
    if (source.missing > 0) this.#trouble = 'not all records are here yet: who keeps them is away';
    else if (this.#waiting.size === 0) this.#trouble = this.#refusal;
  }

  /** One entry after another, until the log has all that was said. */
  async #write(signal: AbortSignal): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    let atOnce = answersPerEntry;
    try {
      while (this.#waiting.size > 0 && !signal.aborted) {
        const batch = [...this.#waiting].slice(0, atOnce);
        const why = await this.#written(batch, signal);
        this.#trouble = why;
        const isRefused = why?.includes(notCounted) ?? false;
        // One that does not count is found by halves: the others do.
        atOnce = isRefused && batch.length > 1 ? Math.ceil(batch.length / 2) : answersPerEntry;
        if (why !== null && isRefused) {
          if (batch.length > 1) continue;
          this.#giveUp(batch, why);
        } else if (why !== null) {
          await passed(againMs);
          continue;
        }
        // What was said meanwhile of the same record is another word.
        for (const [record, given] of batch)
          if (this.#waiting.get(record) === given) this.#waiting.delete(record);
      }
    } finally {
      this.#isWriting = false;
    }
  }

  /** Saying it again would not help: their records are to be answered as before, and the page says why. */
  #giveUp(batch: readonly (readonly [string, Given])[], why: string): void {
    this.#refusal = why;
    this.#givenUp += batch.length;
    for (const [record] of batch) this.#said.delete(record);
  }

  /** Why not; null where it is. */
  async #written(batch: readonly (readonly [string, Given])[], signal: AbortSignal): Promise<string | null> {
    const { suggestions } = this.#options;
    const answers = batch.map(([record, given]) => ({
      ...{ record, ...given },
      suggestion: suggestions?.said(record) ?? null,
    }));
    const body = suggestions === null ? { answers } : { model: suggestions.model, answers };
    try {
      await throughFile('answer', body, (input) => this.#options.source.ask('write', input, signal));
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  }
}

function cardOf({ hash, text, other }: LabelRecord, suggestion: string | null): LabelCard {
  return { record: hash, text, other, suggestion };
}

function mostFrequent(tally: RecordLabel['tally']): RecordLabel['tally'] {
  const rows = Object.entries(tally).sort(([, a], [, b]) => b - a);
  return Object.fromEntries(rows.slice(0, proposalsMax));
}
