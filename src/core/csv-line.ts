/** A row of a CSV file, without its end (RFC 4180). */
export function csvLine(cells: readonly (string | number)[]): string {
  return cells.map(quoted).join(',');
}

function quoted(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
