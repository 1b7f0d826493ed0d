/** The report on an alliance as one page, which holds all it needs. */
import { escapeHtml } from '../../../sim/report/escape.ts';
import { style } from '../../../sim/report/style.ts';
import type { Section } from './alliance-sections.ts';

/** A complete HTML document without a reference to anything outside it. */
export function alliancePage(name: string, sections: readonly Section[]): string {
  const title = escapeHtml(name);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: alliance</title><style>${style}</style></head><body>
${sections.map(sectionHtml).join('\n')}
</body></html>
`;
}

function sectionHtml({ title, lines, table }: Section, index: number): string {
  const level = index === 0 ? 'h1' : 'h2';
  const cells = (row: readonly string[], tag: 'td' | 'th'): string =>
    row
      .map((cell, at) => (at === 0 ? `<th>${escapeHtml(cell)}</th>` : `<${tag}>${escapeHtml(cell)}</${tag}>`))
      .join('');
  const rows = table?.rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('') ?? '';
  return [
    `<${level}>${escapeHtml(title)}</${level}>`,
    ...lines.map((line) => `<p>${escapeHtml(line)}</p>`),
    ...(table ? [`<table><tr>${cells(table.head, 'th')}</tr>${rows}</table>`] : []),
  ].join('\n');
}
