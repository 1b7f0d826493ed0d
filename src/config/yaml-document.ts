/** YAML of whoever wrote it, read in time and memory that its length bounds: the library alone takes minutes for some texts of 1 MiB. */
import { Document, isScalar, Lexer, LineCounter, parseDocument, visit, YAMLParseError } from 'yaml';

/** Lists within lists; nobody writes so many. Deeper ones take a minute, and memory by the gigabyte. */
const depthMax = 100;

export interface YamlDocument {
  readonly document: Document;
  readonly lines: LineCounter;
  /** What is wrong with the text, and where in it. */
  readonly problems: readonly { readonly message: string; readonly at: number }[];
}

export function yamlDocument(text: string): YamlDocument {
  const lines = new LineCounter();
  const tooDeep = tooDeepAt(text);
  if (tooDeep !== null) {
    for (const { index } of text.matchAll(/^/gm)) lines.addNewLine(index);
    const message = `more than ${depthMax} lists or objects within each other`;
    return { document: new Document(null), lines, problems: [{ message, at: tooDeep }] };
  }
  // The library compares each key of a map with all before it.
  const document = parseDocument(text, {
    ...{ lineCounter: lines, prettyErrors: false, uniqueKeys: false },
  });
  const broken = [...document.errors, ...document.warnings, ...repeatedKeys(document)];
  return { document, lines, problems: broken.map(({ message, pos }) => ({ message, at: pos[0] })) };
}

/** Where it is nested too deeply, in brackets or by signs of one line; what is set in by spaces is bounded by its length. */
function tooDeepAt(text: string): number | null {
  let [inBrackets, inLine, at] = [0, 0, 0];
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') inBrackets++;
    else if (token === ']' || token === '}') inBrackets--;
    else if (token === '-' || token === '?' || token === ':') inLine++;
    else if (token.endsWith('\n')) inLine = 0;
    if (inBrackets > depthMax || (inLine > depthMax && inBrackets === 0)) return at;
    // The beginning of a document, of a scalar, and an end that is missing are no signs of the text.
    if (!['\x02', '\x1f', '\x18'].includes(token)) at += token.length;
  }
  return null;
}

function repeatedKeys(document: Document): YAMLParseError[] {
  const found: YAMLParseError[] = [];
  visit(document, {
    Map: (_key, { items }) => {
      const known = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const [from = 0, to = from] = key.range ?? [];
        if (known.has(key.value))
          found.push(new YAMLParseError([from, to], 'DUPLICATE_KEY', 'Map keys must be unique'));
        known.add(key.value);
      }
    },
  });
  return found;
}
