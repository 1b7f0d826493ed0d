/**
 * Writes audits.json next to this file: test vectors of audits (docs/PROTOCOL.md) for other implementations: whom the root draws, what
 * auditors say, what it comes to, and the model without what was undone. Run it after a deliberate change
 * (`node test/vectors/generate-audits.ts`) and review the difference; a test holds the file against this script.
 */
import { writeFileSync } from 'node:fs';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { Signer } from '../../src/core/crypto.ts';
import type { AuditCase, AuditState, AuditVote } from '../../src/entries/audit/audit-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { encodeEnvelope } from '../../src/log/envelope.ts';
import { LogBook } from '../../src/log/log-book.ts';
import { foldRound, initialState, type LogState } from '../../src/log/log-state.ts';
import { encodeState, snapshotOf } from '../../src/log/snapshot.ts';
import { createSigner } from '../../src/platform/node/crypto.ts';
import { formatProtocolVectors } from './generate-protocol.ts';
import { crypto, initHash, initial, rampFrom, seedOf, vectorRun } from './vector-run.ts';

const hex = bytesToHex;
const text = new TextEncoder();

const rounds = 18;
/** In these deltas are written; words of auditors in all. */
const deltaRounds = 12;
const signers = Array.from({ length: 8 }, (_, index) => createSigner(seedOf(1 + index)));
/** The second trains nothing that comes out again, the fifth says that all is well, the sixth shows nobody anything, the seventh is reached by nobody. */
const [, cheat, , , friend, silent, hider] = signers as [
  Signer,
  Signer,
  Signer,
  Signer,
  Signer,
  Signer,
  Signer,
];

const [first] = signers as [Signer];
const method = {
  codec: { chunk: 64, perChunk: 4 },
  committeeSize: 64,
  expectedPeers: 8,
  audits: { rate: 0.5, undo: 8 },
};
const { signed, parts, entryOf, modelHashOf } = vectorRun('audits', rounds, method, first);
const { codec, rules, frame, envelopes: context, audits } = parts;
export const auditedKinds = parts.kinds;

/** A ramp that starts elsewhere each time; its record is one byte, and its residual begins and ends anew. */
function deltaOf(signer: Signer, round: number): LogEntry {
  const start = 3 * signers.indexOf(signer) + 5 * round;
  const body = codec.encode(codec.select(rampFrom(start)));
  const { nothing } = audits!;
  const record = crypto.sha256(text.encode(`record ${round} ${signer.key}`));
  return entryOf(
    signer,
    { round, kind: 0, index: 0 },
    [0, rules.localSteps, 1, record, nothing, nothing],
    body,
  );
}

const zeros = '00'.repeat(32);

/** What an auditor comes to. */
function wordOn({ id, author }: AuditCase, auditor: Signer): AuditVote {
  if (auditor === friend) return { finding: 'same', result: zeros };
  if (author === silent.key) return { finding: 'withheld', result: zeros };
  if (author === hider.key) return { finding: 'unreached', result: zeros };
  if (author !== cheat.key) return { finding: 'same', result: zeros };
  return { finding: 'differs', result: hex(crypto.sha256(text.encode(`what it comes to ${id}`))) };
}

function wordsIn(state: AuditState, round: number): LogEntry[] {
  const { kind, number } = audits!;
  return signers.flatMap((auditor) =>
    kind
      .dutiesIn(state, auditor.key)
      .slice(0, kind.perAuthorAndRound)
      .map((one, index) => {
        const { claims, body } = kind.compose(one, wordOn(one, auditor));
        return entryOf(auditor, { round, kind: number, index }, claims, body);
      }),
  );
}

function shownOf(state: LogState): Record<string, unknown> {
  const { cases, convicted, marks, looks, hiding } = state.kinds[audits!.number] as AuditState;
  return {
    open: [...cases.values()].map(({ id, stage, since, auditors, votes }) => ({
      ...{ id, stage, since, auditors },
      said: [...votes].map(([auditor, { finding }]) => [auditor, finding]),
    })),
    convicted: [...convicted].map(([author, { round, undoneFrom }]) => ({ author, round, undoneFrom })),
    marks: [...marks].map(([author, { overruled, withheld }]) => ({ author, overruled, withheld })),
    looks: [...looks].map(([author, lately]) => ({ author, lately })),
    hiding: [...hiding].map(([author, since]) => ({ author, since })),
  };
}

export function auditVectors(): Record<string, unknown> {
  const entriesPerRoundMax = auditedKinds.map((kind) => kind.entriesPerRoundMax);
  const book = new LogBook({ runId: context.runId, crypto, entriesPerRoundMax });
  const state = initialState(auditedKinds, frame);
  const [entries, folds]: [object[], object[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const written = [
      ...(round < deltaRounds ? signers.map((signer) => deltaOf(signer, round)) : []),
      ...wordsIn(state.kinds[audits!.number] as AuditState, round),
    ];
    for (const entry of written) {
      book.insert(entry);
      const { author, kind, index, id } = entry;
      entries.push({ round, kind, index, author, id, announcement: hex(encodeEnvelope(entry)) });
    }
    foldRound(state, book.places(round), book.digest(round), { kinds: auditedKinds, frame, crypto });
    folds.push({
      ...{ round, digest: hex(book.digest(round)), root: hex(state.root) },
      modelHash: modelHashOf(state),
      ...shownOf(state),
    });
  }
  const snapshot = snapshotOf(crypto, state, encodeState(auditedKinds, state));
  return {
    about:
      'Audits of starlings, see docs/PROTOCOL.md. Bytes are hexadecimal. Peer n has the Ed25519 seed of 32 bytes n. The deltas of peer 2 ' +
      'do not come out again, peer 5 says of all that they do, peer 6 shows nobody what its trainings began with, peer 7 is reached by nobody.',
    peers: signers.map(({ key }, index) => ({ seed: hex(seedOf(1 + index)), key })),
    manifest: { runId: signed.runId, bytes: hex(signed.bytes) },
    initial: { values: [...initial], hash: initHash },
    entries,
    fold: folds,
    snapshot: { blob: hex(snapshot.blob), blobRoot: hex(snapshot.blobRoot) },
  };
}

if (import.meta.main) {
  writeFileSync(new URL('audits.json', import.meta.url), formatProtocolVectors(auditVectors()));
}
