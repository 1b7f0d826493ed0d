/** A row of a CSV file, without its end (RFC 4180). */
export function csvLine(cells: readonly (string | number)[]): string {
  return cells.map(quoted).join(',');
}

/** The same for people with a spreadsheet, which takes `=cmd()` for a formula and runs it: words of others stay words. */
export function spreadsheetLine(cells: readonly (string | number)[]): string {
  return csvLine(cells.map((cell) => (typeof cell === 'string' ? spreadsheetWord(cell) : cell)));
}

/** A word of others as `spreadsheetLine` writes it. */
export function spreadsheetWord(word: string): string {
  return isFormula(word) ? `'${word}` : word;
}

/** By its first sign (https://owasp.org/www-community/attacks/CSV_Injection); a number with a sign before it is none. */
function isFormula(text: string): boolean {
  return /^[=+\-@\t\r]./s.test(text) && Number.isNaN(Number(text));
}

function quoted(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
