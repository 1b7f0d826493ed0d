/**
 * Writes protocol.json next to this file: test vectors of the wire format (docs/PROTOCOL.md) for other
 * implementations. Run it after a deliberate change (`node test/vectors/generate-protocol.ts`) and review the
 * difference; a test holds the file against this script.
 */
import { writeFileSync } from 'node:fs';
import { encodeFloat32 } from '../../src/codec/dense.ts';
import { blobRoot, leavesOf, segmentBytesMax } from '../../src/content/blob.ts';
import { encodeHeld } from '../../src/content/held-segments.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { Signer } from '../../src/core/crypto.ts';
import type { DeltaContent, DeltaState } from '../../src/entries/delta/delta-state.ts';
import { sortitionThreshold } from '../../src/entries/delta/sortition.ts';
import type { NoteState } from '../../src/entries/note/note-kind.ts';
import { initialVector, vectorHash } from '../../src/learning/initial.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { encodeEnvelope, encodeStoredEnvelope } from '../../src/log/envelope.ts';
import { LogBook } from '../../src/log/log-book.ts';
import { foldRound, initialState, type LogState } from '../../src/log/log-state.ts';
import { encodeState, signSnapshotHeader, snapshotOf } from '../../src/log/snapshot.ts';
import { ticketOf } from '../../src/log/ticket.ts';
import {
  type DigestAnswer,
  encodeChain,
  encodeDigestAnswer,
  encodeHashList,
  encodeRequest,
  type Request,
} from '../../src/log/wire.ts';
import { createSigner } from '../../src/platform/node/crypto.ts';
import { crypto, initHash, initial, rampFrom, seedOf, vectorRun } from './vector-run.ts';

const hex = bytesToHex;

const signers = [1, 2, 3].map((index) => createSigner(seedOf(index)));
const [alice, bob, carol] = signers as [Signer, Signer, Signer];

const method = {
  codec: { chunk: 64, perChunk: 16 },
  // By the guess two thirds are in the committee, from round 3 on by the statistics everyone.
  committeeSize: 4,
  expectedPeers: 6,
  kinds: [{ id: 'note', perRound: 2, kept: 2 }],
};
const { signed, parts, anchor, entryOf, modelHashOf } = vectorRun('vectors', 10, method, alice);
const { codec, rules, frame, envelopes: context } = parts;
export const kinds = parts.kinds;

/** What an author sends in a round. */
function messageOf(signer: Signer, round: number, start: number, misses = 0, scale = 1): LogEntry {
  const body = codec.encode(codec.select(rampFrom(start, scale)));
  return entryOf(signer, { round, kind: 0, index: 0 }, [misses, rules.localSteps], body);
}

function noteOf(signer: Signer, round: number, index: number, text: string): LogEntry {
  return entryOf(signer, { round, kind: 1, index }, [], new TextEncoder().encode(text));
}

const log: readonly LogEntry[] = [
  messageOf(alice, 0, 1),
  messageOf(bob, 0, 2),
  messageOf(carol, 0, 3, 4),
  messageOf(alice, 1, 4),
  // Bob says two things about round 1 and is not heard again.
  messageOf(bob, 1, 5),
  messageOf(bob, 1, 6),
  messageOf(carol, 3, 7),
  messageOf(bob, 3, 8),
  // Sixteen times the size of the others, alone in its round: clipped to three times a reference that grows by half a round at most.
  messageOf(alice, 4, 9, 0, 16),
  noteOf(alice, 0, 0, 'disks are moved at noon'),
  noteOf(carol, 3, 0, 'sch\u00f6n'),
  noteOf(carol, 3, 1, 'the oldest of three notes is not kept'),
];
const foldedRounds = 5;

const deltaStateOf = (state: LogState): DeltaState => state.kinds[0] as DeltaState;

function folded(): { state: LogState; book: LogBook; rounds: object[] } {
  const entriesPerRoundMax = kinds.map((kind) => kind.entriesPerRoundMax);
  const book = new LogBook({ runId: context.runId, crypto, entriesPerRoundMax });
  for (const entry of log) book.insert(entry);
  const state = initialState(kinds, frame);
  const rounds: object[] = [];
  for (let round = 0; round < foldedRounds; round++) {
    const deltas = deltaStateOf(state);
    const threshold = sortitionThreshold(deltas.statistics, round, rules);
    foldRound(state, book.places(round), book.digest(round), { kinds, frame, crypto });
    const { publishers, reference } = deltas.statistics.get(round)!;
    rounds.push({
      round,
      digest: hex(book.digest(round)),
      root: hex(state.root),
      threshold,
      publishers,
      reference,
      weight: state.work,
      counted: state.pace.counted,
      modelHash: modelHashOf(state),
    });
  }
  return { state, book, rounds };
}

const hashOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

function requestVectors(book: LogBook): object[] {
  const [first] = log as [LogEntry];
  const requests: Record<string, Request> = {
    digest: {
      kind: 'digest',
      finalised: -1,
      root: crypto.sha256(encodeFloat32(initial)),
      work: 0,
      from: 0,
      digests: [book.digest(0), book.digest(1), book.digest(2)],
    },
    'digest without rounds': {
      kind: 'digest',
      finalised: 9,
      root: hashOf(9),
      work: 30,
      from: 10,
      digests: [],
    },
    entries: { kind: 'entries', ids: [hashOf(1), hashOf(2)] },
    leaves: { kind: 'leaves', root: hashOf(3) },
    segment: { kind: 'segment', root: hashOf(3), index: 300 },
    snapshots: { kind: 'snapshots' },
    push: { kind: 'push', envelope: encodeStoredEnvelope(first) },
    chain: { kind: 'chain', round: 40, root: hashOf(4), count: 20 },
    held: { kind: 'held', root: hashOf(3) },
  };
  return Object.entries(requests).map(([name, request]) => ({ name, bytes: hex(encodeRequest(request)) }));
}

function answerVectors(book: LogBook): object[] {
  const digestAnswer: DigestAnswer = {
    nextHeld: 0,
    reachesBack: true,
    atYours: { root: hashOf(5), work: 3 },
    rounds: [
      { state: 'unknown', rows: [] },
      { state: 'differs-final', rows: book.rows(1) },
      { state: 'same-open', rows: [] },
      { state: 'differs-open', rows: book.rows(2), digest: hashOf(11) },
    ],
  };
  return [
    { name: 'digest', bytes: hex(encodeDigestAnswer(digestAnswer)) },
    {
      name: 'digest of a peer that does not know our round',
      bytes: hex(encodeDigestAnswer({ ...digestAnswer, atYours: null, rounds: [] })),
    },
    { name: 'leaves', bytes: hex(encodeHashList([hashOf(6), hashOf(7)])) },
    { name: 'chain', bytes: hex(encodeChain({ root: hashOf(8), digests: [hashOf(9), null, hashOf(10)] })) },
  ];
}

function blobVectors(): object[] {
  return [0, 1, segmentBytesMax, 2 * segmentBytesMax + 1].map((bytes) => {
    const blob = new Uint8Array(bytes).fill(7);
    const leaves = leavesOf(crypto, blob);
    return {
      about: `${bytes} bytes of 07`,
      bytes,
      leaves: leaves.map(hex),
      root: hex(blobRoot(crypto, blob)),
    };
  });
}

function startVectors(): object[] {
  return [
    { model: { kind: 'logistic-regression' as const, inputs: 4, outputs: 4 }, seed: 1 },
    { model: { kind: 'mlp' as const, inputs: 3, hidden: [4], outputs: 2 }, seed: 0xffff_ffff },
  ].map(({ model, seed }) => {
    const vector = initialVector(model, seed);
    return { model, seed, values: [...vector], hash: vectorHash(vector) };
  });
}

export function protocolVectors(): Record<string, unknown> {
  const { state, book, rounds } = folded();
  const snapshot = snapshotOf(crypto, state, encodeState(kinds, state));
  return {
    about:
      'Wire format of starlings, see docs/PROTOCOL.md. Bytes are hexadecimal. Peer n has the Ed25519 seed of 32 ' +
      'bytes n. All of it belongs to the one run of the manifest.',
    peers: signers.map(({ key }, index) => ({ seed: hex(seedOf(index + 1)), key })),
    manifest: { runId: signed.runId, bytes: hex(signed.bytes), fields: signed.manifest },
    initial: {
      about:
        'start vector of the fold; chosen for its plain numbers, not drawn from the seed of the manifest',
      values: [...initial],
      hash: initHash,
    },
    startVectors: startVectors(),
    envelopes: log.map((entry) => ({
      author: entry.author,
      round: entry.round,
      kind: entry.kind,
      index: entry.index,
      anchor: { round: anchor.round, root: hex(anchor.root), snapshot: hex(anchor.snapshot) },
      claims: entry.claims,
      body: hex(entry.body),
      bodyRoot: hex(entry.bodyRoot),
      header: hex(entry.header),
      id: entry.id,
      signature: hex(entry.signature),
      announcement: hex(encodeEnvelope(entry)),
      ...(entry.kind === 0
        ? {
            norm: (entry as LogEntry<DeltaContent>).content.norm,
            ticket: ticketOf(context, entry.round, entry.author),
          }
        : { text: entry.content }),
    })),
    fold: {
      about: 'rounds folded one after the other from the envelopes above',
      rounds,
      units: [...deltaStateOf(state).units],
      banned: [...state.banned],
      pace: { ...state.pace, presence: [...state.pace.presence] },
      notes: (state.kinds[1] as NoteState).notes,
      contributions: [...deltaStateOf(state).contributions].map(([author, { deltas, energy }]) => ({
        author,
        deltas,
        energy,
      })),
    },
    snapshot: {
      about: 'the state after the last of these rounds, and its header as signed by peer 3',
      blob: hex(snapshot.blob),
      blobRoot: hex(snapshot.blobRoot),
      header: hex(signSnapshotHeader(snapshot, signed.runId, carol)),
    },
    blobs: blobVectors(),
    requests: requestVectors(book),
    answers: answerVectors(book),
    held: { segments: 10, held: [0, 2, 9], bits: hex(encodeHeld([0, 2, 9], 10)) },
  };
}

/** Two levels on lines of their own, so that a change shows in a diff where it is. */
export function formatProtocolVectors(vectors: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(vectors).map(([name, value]) => {
    const body = Array.isArray(value)
      ? `[\n${value.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`
      : JSON.stringify(value);
    return `  ${JSON.stringify(name)}: ${body}`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}

if (import.meta.main) {
  writeFileSync(new URL('protocol.json', import.meta.url), formatProtocolVectors(protocolVectors()));
}
