/**
 * How often a decoder goes over the pixels of a JPEG file (ITU-T T.81, annex B). A scan of a progressive one may say of all pixels in 76
 * bytes that nothing changes, and a file have as many scans as it likes.
 */

const [frameFirst, frameLast] = [0xc0, 0xc2];
const [huffmanTables, quantizationTables, restartInterval, lineCount] = [0xc4, 0xdb, 0xdd, 0xdc];
const [startOfScan, endOfImage, comment] = [0xda, 0xd9, 0xfe];
const [restartFirst, restartLast, applicationFirst, applicationLast] = [0xd0, 0xd7, 0xe0, 0xef];

/**
 * Components of all scans together. Segments that a decoder might read otherwise than by their length are refused: in what is passed over here it
 * would find more scans. @throws Error with the reason
 */
export function jpegPasses(bytes: Buffer): number {
  let passes = 0;
  for (let at = nextMarker(bytes, 2); at + 4 <= bytes.length; ) {
    const marker = bytes[at + 1]!;
    if (marker === endOfImage) break;
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length || !isAsLongAsItSays(marker, bytes.subarray(at + 4, Math.max(at + 4, end)))) {
      throw new Error(`a segment of it (marker ${marker.toString(16)}) is not as long as it says`);
    }
    if (marker === startOfScan) passes += bytes[at + 4]!;
    at = nextMarker(bytes, resumedAt(bytes, end));
  }
  return passes;
}

/** Where the decoder goes on after a segment: it forgives one that took a byte of the next, and a marker of which the first was lost. */
function resumedAt(bytes: Buffer, end: number): number {
  if (bytes[end] === 0 && (bytes[end + 1]! & 0xfe) === applicationFirst && end + 4 <= bytes.length) {
    const next = end + 2 + bytes.readUInt16BE(end + 2);
    if (bytes[next] === 0xff) return next;
  }
  return bytes[end] !== 0xff && bytes[end - 1] === 0xff ? end - 1 : end;
}

/** Behind entropy-coded data, in which FF is followed by 0 or is a restart. */
function nextMarker(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && !(next >= restartFirst && next <= restartLast)) return at;
  }
  return bytes.length;
}

function isAsLongAsItSays(marker: number, body: Buffer): boolean {
  switch (marker) {
    case startOfScan:
      return body.length === 4 + 2 * (body[0] ?? 0);
    case restartInterval:
    case lineCount:
      return body.length === 2;
    case quantizationTables:
      return isMadeOf(body, (at) => ((body[at]! & 0xf0) === 0 ? 65 : 129));
    case huffmanTables:
      return isMadeOf(
        body,
        (at) => 17 + body.subarray(at + 1, at + 17).reduce((sum, count) => sum + count, 0),
      );
    case comment:
      return true;
    default:
      if (marker >= frameFirst && marker <= frameLast) return body.length === 6 + 3 * (body[5] ?? 0);
      return marker >= applicationFirst && marker <= applicationLast;
  }
}

function isMadeOf(body: Buffer, lengthAt: (at: number) => number): boolean {
  let at = 0;
  while (at < body.length) at += lengthAt(at);
  return at === body.length;
}
