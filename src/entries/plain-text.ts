/** Texts of others that are shown to people: on terminals, on pages, beside what we say ourselves. */

type Ranges = readonly (readonly [from: number, through: number])[];

/** Blanks that are no spaces, fillers, tags: nobody sees them. Written out, for what one peer takes all must take, whatever Unicode it knows. */
const unseen: Ranges = [
  [0x034f, 0x034f],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2800, 0x2800],
  [0x3164, 0x3164],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfff8],
  [0xe0000, 0xe0fff],
];
/** They are drawn over the letter before them. */
const marks: Ranges = [
  [0x0300, 0x036f],
  [0x0483, 0x0489],
  [0x1ab0, 0x1aff],
  [0x1dc0, 0x1dff],
  [0x20d0, 0x20ff],
  [0xfe00, 0xfe0f],
  [0xfe20, 0xfe2f],
];
/** Over one letter; Vietnamese has two. */
const marksInARowMax = 3;

function isIn(ranges: Ranges, code: number): boolean {
  return ranges.some(([from, through]) => code >= from && code <= through);
}

/** What controls a terminal, is seen by nobody, means something on one machine alone, or covers other lines. */
export function misleads(text: string): boolean {
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/u.test(text)) return true;
  let marksInARow = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    marksInARow = isIn(marks, code) ? marksInARow + 1 : 0;
    if (isIn(unseen, code) || marksInARow > marksInARowMax) return true;
  }
  return false;
}

/** The same of several lines, in which tabs are as good as spaces. */
export function linesMislead(text: string): boolean {
  return text.split('\n').some((line) => misleads(line.replaceAll('\t', ' ')));
}

/** One line that somebody sees. */
export function isLine(text: string): boolean {
  return text.trim() !== '' && !misleads(text);
}

/** HTML in Markdown: a tag, a comment, an instruction; what is quoted as code does not count, for it is not shown otherwise either. */
const markup = /<[a-z/!?]/i;
/** In front of what a click would run. Blanks, entities and letter case hide nothing. */
const runs = /(?:javascript|vbscript|data|file):/;
const entity = /&(?:#\w+|colon|tab|newline);?/i;

/** Why a text is no card of ours, as the end of a sentence; null where it is: Markdown that can run nothing, wherever it is shown. */
export function cardProblem(text: string): string | null {
  if (linesMislead(text)) {
    return 'must have no characters that control a terminal or are seen by nobody';
  }
  if (markup.test(text)) return 'must be Markdown without HTML: write &lt; for <';
  if (entity.test(text) || runs.test(text.replaceAll(/[\s\\]/g, '').toLowerCase())) {
    return 'must have no links that run something, nor entities that could hide one';
  }
  return null;
}
