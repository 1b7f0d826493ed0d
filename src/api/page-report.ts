/** The page as one file that holds all it shows: it opens anywhere, and asks nobody for anything. */
import { readFile } from 'node:fs/promises';
import { parseJson } from '../core/parse-json.ts';
import type { Hello } from './live.ts';
import { helloSchema } from './live-schema.ts';
import { pageDirectory } from './page-files.ts';

/** Nothing but what lies in the file. */
export const reportPolicy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

const recordOpens = '<script type="application/json" id="record">';

/** What such a page shows; null where the text is none. The script that it came with is left behind. */
export function recordInReport(html: string): Hello | null {
  const from = html.indexOf(recordOpens) + recordOpens.length;
  const to = html.indexOf('</script>', from);
  if (from < recordOpens.length || to < 0) return null;
  return helloSchema.safeParse(parseJson(html.slice(from, to))).data ?? null;
}

/** @throws system errors where the page is not built */
export async function pageReport(hello: Hello): Promise<string> {
  const [script, style] = await Promise.all(
    ['page.js', 'page.css'].map((name) => readFile(new URL(name, pageDirectory()), 'utf8')),
  );
  // Nothing in them may end the element that they lie in.
  const record = JSON.stringify(hello).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="${reportPolicy}">
<title>starlings</title>
<style>${style!.replaceAll('</style', '<\\/style')}</style>
</head>
<body>
<div id="page"></div>
${recordOpens}${record}</script>
<script>${script!.replaceAll('</script', '<\\/script')}</script>
</body>
</html>
`;
}
