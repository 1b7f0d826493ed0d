/** Whether a file is text in UTF-8, chunk after chunk: another encoding makes other names and categories at every site. */
import { isUtf8 } from 'node:buffer';
import { DataFileError } from '../../datasets/data-error.ts';

export class Utf8Check {
  readonly #file: string;
  /** Of a character that the next chunk goes on with. */
  #begun: Buffer = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws DataFileError */
  push(chunk: Buffer): void {
    const bytes = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    const whole = bytes.length - begunBytes(bytes);
    if (!isUtf8(bytes.subarray(0, whole))) throw notUtf8(this.#file);
    this.#begun = bytes.subarray(whole);
  }

  /** @throws DataFileError */
  end(): void {
    if (this.#begun.length > 0) throw notUtf8(this.#file);
  }
}

export function notUtf8(file: string): DataFileError {
  return new DataFileError(
    `${file}: this text is not UTF-8: save it as UTF-8, or, of a file from Windows, iconv -f WINDOWS-1252 -t UTF-8`,
  );
}

/** Bytes at the end that are the beginning of a character (RFC 3629). */
function begunBytes(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
