/** What is being audited, what auditors have said of it, where the residuals of authors stand, who was found out; canonical bytes. */
import * as dagCbor from '@ipld/dag-cbor';
import { equals } from 'uint8arrays';
import { bytesToHex, hexToBytes, isBytes, isCount, isRows, keyToBytes } from '../../core/bytes.ts';
import { decodeCanonical } from '../../core/canonical-cbor.ts';
import type { PeerKey } from '../../core/io.ts';
import { auditorsMax } from './stages.ts';

/** What an auditor found; in this order in an entry. */
export const AUDIT_FINDINGS = ['same', 'differs', 'withheld', 'unreached'] as const;
export type AuditFinding = (typeof AUDIT_FINDINGS)[number];

export interface AuditVote {
  readonly finding: AuditFinding;
  /** Root of the body that the auditor came to, hex; zeros where there is none. */
  readonly result: string;
}

/** A delta that is being audited. Never modified. */
export interface AuditCase {
  /** Of the entry that carried it, hex. */
  readonly id: string;
  readonly author: PeerKey;
  readonly round: number;
  /** After that round, 32 bytes: auditors are drawn by it. */
  readonly root: Uint8Array;
  /** How often more auditors were drawn. */
  readonly stage: number;
  /** With the fold of this round the last ones were drawn. */
  readonly since: number;
  /** In the order of their draws. */
  readonly auditors: readonly PeerKey[];
  readonly votes: ReadonlyMap<PeerKey, AuditVote>;
}

/** Where the residual of an author stands: the root that it claimed last in a delta that counts, and the round of that. */
export interface ResidualHead {
  readonly after: Uint8Array;
  readonly round: number;
}

/** Found wanting, and not convicted of anything yet. */
export interface AuditMarks {
  /** Rounds of its deltas that most auditors could not have shown, oldest first. */
  readonly withheld: readonly number[];
  /** Times that it stood against a majority of auditors. */
  readonly overruled: number;
}

/**
 * What became of an audit: somebody who was drawn trained the delta again; or most could not, while its author published; or they could not
 * while it published nothing either. In this order in a snapshot.
 */
const AUDIT_LOOKS = ['seen', 'hidden', 'absent'] as const;
export type AuditLook = (typeof AUDIT_LOOKS)[number];

/** What somebody was found out by: its deltas differed, or could not be shown; or it said otherwise than most auditors. */
const CHARGES = ['differs', 'withheld', 'overruled'] as const;
export type Charge = (typeof CHARGES)[number];

export interface Conviction {
  /** Of the verdict. */
  readonly round: number;
  readonly charge: Charge;
  /** What it added from this round on was taken out of the model again; null where nothing was. */
  readonly undoneFrom: number | null;
  /** So many deltas of it stay. */
  readonly stays: number;
}

export interface AuditState {
  readonly heads: Map<PeerKey, ResidualHead>;
  /** In order of rounds and authors. */
  readonly cases: Map<string, AuditCase>;
  readonly marks: Map<PeerKey, AuditMarks>;
  readonly convicted: Map<PeerKey, Conviction>;
  /** By author: findings on deltas that it was not drawn for. Nobody honest says such. */
  readonly absurd: Map<PeerKey, number>;
  /** By auditor, of the audits that it was drawn for and that are over, oldest first: whether its word was good for something. */
  readonly attended: Map<PeerKey, readonly boolean[]>;
  /** By author, of audits of its deltas that are over, oldest first. */
  readonly looks: Map<PeerKey, readonly AuditLook[]>;
  /** Who hides, by `looks`, and since the fold of which round. */
  readonly hiding: Map<PeerKey, number>;
}

/** Authors that are remembered: a snapshot has room for them. */
export const headsMax = 8192;
export const casesMax = 256;
/** Of an author that is not convicted yet. */
const strikesMax = 2;
/** Audits of an auditor that are remembered. Guess. */
export const attendedMax = 16;
/** Audits of an author that are remembered. Guess. */
export const looksMax = 16;
const rowBytes = 96;
const caseBytes = 256 + auditorsMax * 160;

export const auditStateBytesMax = 16 + 7 * headsMax * rowBytes + casesMax * caseBytes;

export function encodeAuditState(state: AuditState): Uint8Array {
  const { heads, cases, marks, convicted, absurd, attended, looks, hiding } = state;
  return dagCbor.encode([
    byKey(heads).map(([author, { after, round }]) => [keyToBytes(author), after, round]),
    [...cases.values()].map(({ id, author, round, root, stage, since, auditors, votes }) => [
      ...[hexToBytes(id), keyToBytes(author), round, root, stage, since, auditors.map(keyToBytes)],
      byKey(votes).map(([auditor, { finding, result }]) => [
        ...[keyToBytes(auditor), AUDIT_FINDINGS.indexOf(finding), hexToBytes(result)],
      ]),
    ]),
    byKey(marks).map(([author, { withheld, overruled }]) => [keyToBytes(author), withheld, overruled]),
    byKey(convicted).map(([author, { round, charge, undoneFrom, stays }]) => [
      ...[keyToBytes(author), round, CHARGES.indexOf(charge), undoneFrom, stays],
    ]),
    byKey(absurd).map(([author, count]) => [keyToBytes(author), count]),
    byKey(attended).map(([auditor, lately]) => [keyToBytes(auditor), lately]),
    byKey(looks).map(([author, lately]) => [
      keyToBytes(author),
      lately.map((look) => AUDIT_LOOKS.indexOf(look)),
    ]),
    byKey(hiding).map(([author, round]) => [keyToBytes(author), round]),
  ]);
}

export function byKey<Value>(rows: ReadonlyMap<PeerKey, Value>): [PeerKey, Value][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Null for anything that `encodeAuditState` could not have written. */
export function decodeAuditState(bytes: Uint8Array): AuditState | null {
  const fields = decodeCanonical(bytes);
  if (!Array.isArray(fields) || fields.length !== 8) return null;
  const [headRows, caseRows, markRows, convictedRows, absurdRows, attendedRows, lookRows, hidingRows] =
    fields as unknown[];
  if (
    !isRows(headRows, 3) ||
    !isRows(caseRows, 8) ||
    !isRows(markRows, 3) ||
    !isRows(convictedRows, 5) ||
    !isRows(absurdRows, 2) ||
    !isRows(attendedRows, 2) ||
    !isRows(lookRows, 2) ||
    !isRows(hidingRows, 2)
  )
    return null;
  const state: AuditState = {
    heads: new Map(),
    cases: new Map(),
    marks: new Map(),
    convicted: new Map(),
    absurd: new Map(),
    attended: new Map(),
    looks: new Map(),
    hiding: new Map(),
  };
  for (const [author, after, round] of headRows) {
    if (!isBytes(author, 32) || !isBytes(after, 32) || !isCount(round)) return null;
    state.heads.set(bytesToHex(author), { after, round });
  }
  for (const row of caseRows) {
    const one = decodeCase(row);
    if (!one) return null;
    state.cases.set(one.id, one);
  }
  for (const [author, withheld, overruled] of markRows) {
    if (!isBytes(author, 32) || !isCount(overruled)) return null;
    if (!Array.isArray(withheld) || withheld.length > strikesMax || !withheld.every(isCount)) return null;
    state.marks.set(bytesToHex(author), { withheld, overruled });
  }
  for (const [author, round, code, undoneFrom, stays] of convictedRows) {
    const charge = isCount(code) ? CHARGES[code] : undefined;
    if (!isBytes(author, 32) || !isCount(round) || !charge || !isCount(stays)) return null;
    if (undoneFrom !== null && !isCount(undoneFrom)) return null;
    state.convicted.set(bytesToHex(author), { round, charge, undoneFrom, stays });
  }
  for (const [author, count] of absurdRows) {
    if (!isBytes(author, 32) || !isCount(count)) return null;
    state.absurd.set(bytesToHex(author), count);
  }
  for (const [auditor, lately] of attendedRows) {
    if (!isBytes(auditor, 32) || !isAttended(lately)) return null;
    state.attended.set(bytesToHex(auditor), lately);
  }
  for (const [author, codes] of lookRows) {
    const lately = decodeLooks(codes);
    if (!isBytes(author, 32) || !lately) return null;
    state.looks.set(bytesToHex(author), lately);
  }
  for (const [author, round] of hidingRows) {
    if (!isBytes(author, 32) || !isCount(round)) return null;
    state.hiding.set(bytesToHex(author), round);
  }
  return equals(encodeAuditState(state), bytes) ? state : null;
}

function isAttended(value: unknown): value is readonly boolean[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= attendedMax &&
    value.every((one) => typeof one === 'boolean')
  );
}

function decodeLooks(codes: unknown): readonly AuditLook[] | null {
  if (!Array.isArray(codes) || codes.length === 0 || codes.length > looksMax) return null;
  const lately = codes.map((code) => (isCount(code) ? AUDIT_LOOKS[code] : undefined));
  return lately.every((look) => look !== undefined) ? lately : null;
}

function decodeCase(row: readonly unknown[]): AuditCase | null {
  const [id, author, round, root, stage, since, auditors, voteRows] = row;
  if (!isBytes(id, 32) || !isBytes(author, 32) || !isBytes(root, 32) || !isRows(voteRows, 3)) return null;
  if (!isCount(round) || !isCount(stage) || !isCount(since)) return null;
  if (!Array.isArray(auditors) || !auditors.every((key) => isBytes(key, 32))) return null;
  const votes = new Map<PeerKey, AuditVote>();
  for (const [auditor, code, result] of voteRows) {
    const finding = isCount(code) ? AUDIT_FINDINGS[code] : undefined;
    if (!isBytes(auditor, 32) || !finding || !isBytes(result, 32)) return null;
    votes.set(bytesToHex(auditor), { finding, result: bytesToHex(result) });
  }
  return {
    ...{ id: bytesToHex(id), author: bytesToHex(author), round, root, stage, since, votes },
    auditors: auditors.map(bytesToHex),
  };
}
