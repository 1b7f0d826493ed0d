/** Parts of a text and what they are: the answers to a question of kind `span`. Pure, and without a schema: the page of annotators has them too. */

/** From a code unit (UTF-16) of the text up to another, not included, and the number of the label. */
export type Span = readonly [from: number, to: number, label: number];

/** Of one answer. */
export const spansMax = 32;
/** Of a record, what annotators read at a time: no span ends after it. */
export const recordCharactersMax = 4000;
/** Of an answer as it is written: `[3999,4000,31]` each, with commas and brackets. */
export const spansCharactersMax = 2 + spansMax * 15;

/** As an answer is written: JSON, in the order of the text. */
export function spansText(spans: readonly Span[]): string {
  return JSON.stringify([...spans].sort(([a], [b]) => a - b));
}

/** Null for what `spansText` could not have written of labels below `labels`, or where two overlap. */
export function spansOf(text: string, labels: number): readonly Span[] | null {
  if (text.length > spansCharactersMax) return null;
  const spans = jsonOf(text);
  if (!Array.isArray(spans) || spans.length > spansMax) return null;
  let end = 0;
  for (const span of spans as readonly unknown[]) {
    if (!Array.isArray(span) || span.length !== 3 || !span.every(Number.isSafeInteger)) return null;
    const [from, to, label] = span as unknown as Span;
    if (from < end || to <= from || to > recordCharactersMax || label < 0 || label >= labels) return null;
    end = to;
  }
  return JSON.stringify(spans) === text ? (spans as readonly Span[]) : null;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether they all lie in the text, and none cuts a character in two. */
export function spansFit(spans: readonly Span[], text: string): boolean {
  const isCut = (at: number): boolean => {
    const unit = text.charCodeAt(at);
    return unit >= 0xdc00 && unit <= 0xdfff;
  };
  return spans.every(([from, to]) => to <= text.length && !isCut(from) && !isCut(to));
}

interface Vote {
  readonly span: Span;
  readonly votes: number;
}

/** How many marked each, in the order of the text. */
function votesOn(answers: readonly (readonly Span[])[]): readonly Vote[] {
  const votes = new Map<string, { span: Span; votes: number }>();
  for (const span of answers.flat()) {
    const vote = votes.get(span.join());
    if (vote) vote.votes += 1;
    else votes.set(span.join(), { span, votes: 1 });
  }
  return [...votes.values()].sort(({ span: a }, { span: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
}

/** Spans that touch each other by overlapping, directly or through others, stand together. */
function places(votes: readonly Vote[]): readonly (readonly Vote[])[] {
  const all: Vote[][] = [];
  let end = -1;
  for (const vote of votes) {
    const [from, to] = vote.span;
    if (from < end) all.at(-1)!.push(vote);
    else all.push([vote]);
    end = Math.max(end, to);
  }
  return all;
}

/** How many of the answers mark something at each place. Thousands may mark one place in as many ways: each mark is looked at once. */
function markedAt(all: readonly (readonly Vote[])[], answers: readonly (readonly Span[])[]): number[] {
  const placeOf = new Map(all.flatMap((place, at) => place.map(({ span }) => [span.join(), at] as const)));
  const marked = all.map(() => 0);
  for (const spans of answers)
    for (const at of new Set(spans.map((span) => placeOf.get(span.join())!))) marked[at]! += 1;
  return marked;
}

/**
 * What more than half of the answers mark. Null where that settles nothing: no single span of a place has more than half, and at least half of
 * the answers mark something there.
 */
export function majoritySpans(answers: readonly (readonly Span[])[]): readonly Span[] | null {
  const settled: Span[] = [];
  const all = places(votesOn(answers));
  const marked = markedAt(all, answers);
  for (const [at, place] of all.entries()) {
    const most = place.filter(({ votes }) => 2 * votes > answers.length).map(({ span }) => span);
    if (most.length === 0 && 2 * marked[at]! >= answers.length) return null;
    settled.push(...most);
  }
  return settled.length > spansMax ? null : settled;
}

/** Marks that several made alike, twice, and all that they made: what F1 is made of. */
export interface SpanMatches {
  readonly alike: number;
  readonly all: number;
}

/** Over each two of the answers to one record; the whole span and its label must be the same. */
export function spanMatches(answers: readonly (readonly Span[])[]): SpanMatches {
  const alike = votesOn(answers).reduce((sum, { votes }) => sum + votes * (votes - 1), 0);
  const all = answers.reduce((sum, spans) => sum + spans.length, 0) * (answers.length - 1);
  return { alike, all };
}

/** F1 over all of them (2 x alike / all marks); null where nobody marked anything. */
export function spanF1(matches: readonly SpanMatches[]): number | null {
  const alike = matches.reduce((sum, each) => sum + each.alike, 0);
  const all = matches.reduce((sum, each) => sum + each.all, 0);
  return all === 0 ? null : alike / all;
}
