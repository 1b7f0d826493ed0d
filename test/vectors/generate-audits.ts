/**
 * Writes audits.json next to this file: test vectors of audits (docs/PROTOCOL.md) for other implementations: whom the root draws, what
 * auditors say, what it comes to, and the model without what was undone. Run it after a deliberate change
 * (`node test/vectors/generate-audits.ts`) and review the difference; a test holds the file against this script.
 */
import { writeFileSync } from 'node:fs';
import { encodeFloat32 } from '../../src/codec/dense.ts';
import { bytesToHex } from '../../src/core/bytes.ts';
import type { Signer } from '../../src/core/crypto.ts';
import type { AuditCase, AuditState, AuditVote } from '../../src/entries/audit/audit-state.ts';
import type { DeltaState } from '../../src/entries/delta/delta-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { type Claim, encodeEnvelope, sealEnvelope } from '../../src/log/envelope.ts';
import { LogBook } from '../../src/log/log-book.ts';
import { foldRound, initialState, type LogState } from '../../src/log/log-state.ts';
import { encodeState, snapshotOf } from '../../src/log/snapshot.ts';
import { createLogParts } from '../../src/methods/delta-log/log-parts.ts';
import { deltaLogSchema } from '../../src/methods/delta-log/schema.ts';
import { createCrypto, createSigner } from '../../src/platform/node/crypto.ts';
import { signManifest } from '../../src/run/manifest.ts';
import { runSpecSchema } from '../../src/run/run-spec.ts';
import { formatProtocolVectors } from './generate-protocol.ts';

const crypto = createCrypto();
const hex = bytesToHex;
const text = new TextEncoder();

const size = 20;
const rounds = 14;
/** In these deltas are written; words of auditors in all. */
const deltaRounds = 8;
/** Peer `index`, from 1 on: every byte of its seed is the index. */
const seedOf = (index: number): Uint8Array => new Uint8Array(32).fill(index);
const signers = Array.from({ length: 8 }, (_, index) => createSigner(seedOf(1 + index)));
/** The second trains nothing that comes out again, the fifth says that all is well, the sixth shows nobody anything. */
const [, cheat, , , friend, silent] = signers as [Signer, Signer, Signer, Signer, Signer, Signer];

const initial = Float32Array.from({ length: size }, (_, i) => (i - 9.5) / 8);
const strategy = deltaLogSchema.parse({
  id: 'delta-log',
  codec: { chunk: 64, perChunk: 4 },
  windowRounds: 3,
  admitRounds: 1,
  committeeSize: 64,
  expectedPeers: 8,
  audits: { rate: 0.5, undo: 8 },
});
const spec = runSpecSchema.parse({
  name: 'audits',
  model: { kind: 'logistic-regression', inputs: 4, outputs: 4 },
  task: { kind: 'idx-images' },
  strategy,
  rounds,
  slotMs: 1000,
});
const initHash = hex(crypto.sha256(encodeFloat32(initial)));
const [first] = signers as [Signer];
const signed = signManifest({ ...spec, startAtMs: 1_700_000_000_000, initHash }, crypto, first);
const parts = createLogParts(signed.manifest, strategy, signed.runId, { crypto, initial, random: () => 0 });
const { codec, rules, delta, frame, envelopes: context, audits } = parts;
export const auditedKinds = parts.kinds;
const anchor = { round: -1, root: frame.initHash, snapshot: new Uint8Array(32) };

function entryOf(
  signer: Signer,
  place: { readonly round: number; readonly kind: number; readonly index: number },
  claims: readonly Claim[],
  body: Uint8Array,
): LogEntry {
  const envelope = sealEnvelope({ ...place, anchor, claims }, body, context, signer);
  return { ...envelope, content: auditedKinds[place.kind]!.decode(body, claims) };
}

/** A ramp that starts elsewhere each time; its record is one byte, and its residual begins and ends anew. */
function deltaOf(signer: Signer, round: number): LogEntry {
  const start = 3 * signers.indexOf(signer) + 5 * round;
  const vector = Float32Array.from({ length: size }, (_, i) => ((i * 7 + start) % 11) / 16 - 0.3125);
  const body = codec.encode(codec.select(vector));
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
  const { cases, convicted, marks } = state.kinds[audits!.number] as AuditState;
  return {
    open: [...cases.values()].map(({ id, stage, since, auditors, votes }) => ({
      ...{ id, stage, since, auditors },
      said: [...votes].map(([auditor, { finding }]) => [auditor, finding]),
    })),
    convicted: [...convicted].map(([author, { round, undoneFrom }]) => ({ author, round, undoneFrom })),
    marks: [...marks].map(([author, { overruled, withheld }]) => ({ author, overruled, withheld })),
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
      modelHash: hex(crypto.sha256(encodeFloat32(delta.parameters(state.kinds[0] as DeltaState)))),
      ...shownOf(state),
    });
  }
  const snapshot = snapshotOf(crypto, state, encodeState(auditedKinds, state));
  return {
    about:
      'Audits of starlings, see docs/PROTOCOL.md. Bytes are hexadecimal. Peer n has the Ed25519 seed of 32 bytes n. The deltas of peer 2 ' +
      'do not come out again, peer 5 says of all that they do, peer 6 shows nobody what its trainings began with.',
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
