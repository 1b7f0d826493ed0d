/** What the text says as JSON, to be judged by a schema; undefined for a text that is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of lists and objects in a long text: a hundred bytes each, for one or two of the text. */
const listsMax = 1 << 22;

/** As `parseJson` of a text of any length; undefined as well where it takes a hundred times the memory of the text. */
export function parseLongJson(text: string): unknown {
  let lists = 0;
  for (const sign of ['[', '{']) {
    for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) {
      if (++lists > listsMax) return undefined;
    }
  }
  return parseJson(text);
}
