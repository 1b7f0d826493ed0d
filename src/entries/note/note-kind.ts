/**
 * Notes: short texts that members write into the log of a run for all to read ("disks are moved at noon"). They decide nothing.
 * The last few are kept in the state, so that who joins late reads them too.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';
import * as z from 'zod';
import { bytesToHex, isBytes, isCount, keyToBytes } from '../../core/bytes.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import type { PeerKey } from '../../core/io.ts';
import type { EntryKind } from '../../log/entry-kind.ts';
import { defineEntryKind } from '../entry-kind-descriptor.ts';
import { misleads } from '../plain-text.ts';

const schema = z.strictObject({
  id: z.literal('note').describe('short texts of members, shown in status'),
  bytesMax: z.int().min(16).max(4096).default(280).describe('UTF-8 bytes of a note'),
  perRound: z.int().min(1).max(16).default(1).describe('notes of an author in a round'),
  kept: z.int().min(1).max(256).default(32).describe('newest notes that the state of the log keeps'),
});
type NoteSpec = z.infer<typeof schema>;

export interface Note {
  readonly round: number;
  readonly author: PeerKey;
  readonly text: string;
}

export interface NoteState {
  /** Oldest first. */
  notes: readonly Note[];
}

/** Notes in a round, whoever wrote them. */
const notesPerRoundMax = 64;
/** Of a row beside its text, generously. */
const rowBytesMax = 64;

export const note = defineEntryKind({
  id: 'note',
  schema,
  examples: [{ id: 'note' }, { id: 'note', bytesMax: 16, perRound: 3, kept: 2 }],
  create: createNoteKind,
  compose: (text) =>
    encodeNote(text) ?? {
      refused: 'a note is one line of text, without characters that control a terminal or are seen by nobody',
    },
  sampleBodies: () => ['up at six', 'sch\u00f6n', '\u{1f426}'].map((text) => new TextEncoder().encode(text)),
});

function createNoteKind({ bytesMax, perRound, kept }: NoteSpec): EntryKind<string, NoteState> {
  return {
    id: 'note',
    bodyBytesMax: bytesMax,
    perAuthorAndRound: perRound,
    entriesPerRoundMax: notesPerRoundMax,
    stateBytesMax: 16 + kept * (bytesMax + rowBytesMax),
    decode: (body, claims) => (claims.length === 0 ? decodeNote(body) : null),
    admit: () => null,
    initial: () => ({ notes: [] }),
    clone: ({ notes }) => ({ notes }),
    reduce(state, { round, entries }) {
      const news = entries.map(({ author, content }) => ({ round, author, text: content }));
      if (news.length > 0) state.notes = [...state.notes, ...news].slice(-kept);
      return { publishers: [], effort: null, everyone: false };
    },
    encode: encodeNotes,
    decodeState: (bytes) => decodeNotes(bytes, { bytesMax, kept }),
    show: ({ notes }) => notes,
  };
}

/** Null for a text that is blank or misleads who reads it on a terminal. */
export function encodeNote(text: string): Uint8Array | null {
  const body = new TextEncoder().encode(text);
  return decodeNote(body) === text ? body : null;
}

function decodeNote(body: Uint8Array): string | null {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
  return text.trim() === '' || misleads(text) ? null : text;
}

function encodeNotes({ notes }: NoteState): Uint8Array {
  return dagCbor.encode(notes.map(({ round, author, text }) => [round, keyToBytes(author), text]));
}

function decodeNotes(
  bytes: Uint8Array,
  { bytesMax, kept }: Pick<NoteSpec, 'bytesMax' | 'kept'>,
): NoteState | null {
  const rows = decodeCanonical(bytes);
  if (!Array.isArray(rows) || rows.length > kept) return null;
  const notes: Note[] = [];
  for (const row of rows as unknown[]) {
    if (!Array.isArray(row) || row.length !== 3) return null;
    const [round, author, text] = row as unknown[];
    if (!isCount(round) || !isBytes(author, 32) || typeof text !== 'string') return null;
    const body = encodeNote(text);
    if (!body || body.length > bytesMax || round < (notes.at(-1)?.round ?? 0)) return null;
    notes.push({ round, author: bytesToHex(author), text });
  }
  const state = { notes };
  return equals(encodeNotes(state), bytes) ? state : null;
}
