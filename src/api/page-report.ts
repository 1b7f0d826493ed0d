/** The page as one file that holds all it shows: it opens anywhere, and asks nobody for anything. */
import { readFile } from 'node:fs/promises';
import type { Hello } from './live.ts';
import { pageDirectory } from './page-files.ts';

/** Nothing but what lies in the file. */
const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

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
<meta http-equiv="content-security-policy" content="${policy}">
<title>starlings</title>
<style>${style!.replaceAll('</style', '<\\/style')}</style>
</head>
<body>
<div id="page"></div>
<script type="application/json" id="record">${record}</script>
<script>${script!.replaceAll('</script', '<\\/script')}</script>
</body>
</html>
`;
}
