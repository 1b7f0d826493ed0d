import { closeSync, openSync, writeSync } from 'node:fs';
import type { PeerKey, ProtocolEvent } from '../src/core/io.ts';

/** Characters gathered before they are written. */
const chunkCharacters = 1 << 16;

/** Protocol events as JSON lines, in the order in which they happened: `{"timeUs":..,"peer":..,"key":..,"kind":..}`. */
export class EventLog {
  readonly #path: string;
  readonly #file: number;
  #text = '';

  /** Replaces `path`. @throws the system's error where it cannot be written */
  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'w');
  }

  write(timeUs: number, peer: number, key: PeerKey, event: ProtocolEvent): void {
    this.#text += `${JSON.stringify({ timeUs, peer, key, ...event })}\n`;
    if (this.#text.length >= chunkCharacters) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    try {
      writeSync(this.#file, this.#text);
    } catch (error) {
      // An open file has no name for the system.
      throw Object.assign(error as NodeJS.ErrnoException, { path: this.#path });
    }
    this.#text = '';
  }
}
