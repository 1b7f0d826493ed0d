/** Rounds of a run in which every delta is audited, and what auditors are made to say of them. */
import { auditsSchema, createAuditKind } from '../../src/entries/audit/audit-kind.ts';
import type { AuditCase, AuditFinding, AuditState } from '../../src/entries/audit/audit-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

export const nothing = new Uint8Array(32).fill(9);
export const windowRounds = 2;
export const kind = createAuditKind(auditsSchema.parse({ rate: 1 }), { crypto, windowRounds, nothing });
export const keys = Array.from({ length: 14 }, (_, index) => signerOf(index).key).sort();
export const hash = (text: string) => crypto.sha256(new TextEncoder().encode(text));
export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Says of a case what it is made to say; null for nothing. */
export type Auditor = (one: AuditCase, auditor: string) => AuditFinding | null;

export const truth: Auditor = () => 'same';

export function delta(author: string, round: number, before: Uint8Array = nothing): LogEntry {
  const id = hex(hash(`${author}/${round}`));
  return {
    id,
    author,
    round,
    kind: 0,
    content: { proof: { before, after: hash(id) } },
  } as unknown as LogEntry;
}

export function vote(one: AuditCase, author: string, finding: AuditFinding, round: number): LogEntry {
  const result = finding === 'differs' ? hex(hash('another')) : '00'.repeat(32);
  const { claims, body } = kind.compose(one, { finding, result });
  return {
    author,
    round,
    kind: 1,
    index: 0,
    claims,
    body,
    content: kind.decode(body, claims),
  } as unknown as LogEntry;
}

/** Rounds in which all publish, or those named, and whoever is drawn says at once what it is asked; `more`: what is said besides. */
export function live(
  state: AuditState,
  rounds: number,
  auditor: Auditor,
  authors = keys,
  from = 0,
  more: readonly LogEntry[] = [],
  audits = kind,
) {
  for (let round = from; round < from + rounds; round++) {
    const asked = keys.flatMap((key) =>
      audits.dutiesIn(state, key).flatMap((one) => {
        const finding = auditor(one, key);
        return finding === null ? [] : [vote(one, key, finding, round)];
      }),
    );
    const entries = [...asked, ...more].sort((a, b) => (a.author < b.author ? -1 : 1));
    const isSilenced = (key: string): boolean => audits.silences!(state, key);
    const first = authors.filter((key) => !state.convicted.has(key)).map((key) => delta(key, round));
    const publishers = first.map(({ author }) => author);
    const root = hash(`root ${round}`);
    audits.reduce(state, {
      ...{ ...plainRound, round, root, publishers, first, isSilenced },
      entries: entries as never,
    });
  }
  return state;
}

export const convicted = ({ convicted }: AuditState) => [...convicted.keys()];
