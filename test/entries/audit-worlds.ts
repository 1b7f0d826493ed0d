/** Drawn worlds of auditors who lie together, beside honest ones of whom a share of the words never comes: who is convicted. */
import { auditsSchema, createAuditKind } from '../../src/entries/audit/audit-kind.ts';
import type { AuditCase, AuditVote } from '../../src/entries/audit/audit-state.ts';
import { rngFor } from '../../src/math/rng.ts';
import { crypto } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

const nothing = new Uint8Array(32).fill(9);
/** Each author is drawn six times while all publish, as in 300 rounds at the default rate; then what is open is decided. */
const [rate, publishedRounds, lastRound] = [0.1, 60, 100];
const kind = createAuditKind(auditsSchema.parse({ rate }), { crypto, windowRounds: 2, nothing });
const hash = (text: string) => crypto.sha256(new TextEncoder().encode(text));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

export interface AuditWorld {
  readonly members: number;
  /** The first of the keys; the very first cheats in every round. */
  readonly liars: number;
  /** Share of the words of honest auditors that never come. */
  readonly missing: number;
}

/** Liars say of each other's deltas that they are the same; of those of all others too, or that they differ, with one result. */
type Lie = 'cover' | 'accuse';

interface Outcome {
  /** Honest members who were convicted of what they published, and for what they said as auditors. */
  readonly framed: number;
  readonly overruled: number;
  readonly isCheatFound: boolean;
  /** Trainings by auditors for each delta that was drawn. */
  readonly trainings: number;
}

function lived({ members, liars, missing }: AuditWorld, lie: Lie, seed: number): Outcome {
  const rng = rngFor(`audit worlds/${members}/${liars}/${missing}/${lie}/${seed}`);
  const keys = Array.from({ length: members }, (_, index) => hex(hash(`${seed}/${index}`)));
  const [cheat, isLiar] = [keys[0]!, (key: string) => keys.indexOf(key) < liars];
  const wordOf = ({ id, author }: AuditCase, auditor: string): AuditVote | null => {
    if (!isLiar(auditor) && rng.uniform(0, 1) < missing) return null;
    const differs = isLiar(auditor) ? lie === 'accuse' && !isLiar(author) : author === cheat;
    return differs
      ? { finding: 'differs', result: hex(hash(id)) }
      : { finding: 'same', result: '00'.repeat(32) };
  };
  const state = kind.initial();
  const words = new Map<string, AuditVote | null>();
  const drawn = new Set<string>();
  for (let round = 0; round < lastRound; round++) {
    const entries = [...keys].sort().flatMap((author) =>
      kind.dutiesIn(state, author).flatMap((one) => {
        drawn.add(one.id);
        const place = `${one.id}/${author}`;
        if (words.has(place)) return [];
        const word = wordOf(one, author);
        words.set(place, word);
        if (!word) return [];
        const { claims, body } = kind.compose(one, word);
        return [{ author, round, kind: 1, index: 0, claims, body, content: kind.decode(body, claims) }];
      }),
    );
    const isSilenced = (key: string): boolean => kind.silences!(state, key);
    const publishers = keys.filter((key) => !isSilenced(key));
    const first = publishers.map((author) => {
      const proof = { before: nothing, after: nothing };
      return { id: hex(hash(`${author}/${round}`)), author, round, kind: 0, content: { proof } };
    });
    const isOver = round >= publishedRounds;
    const final = { ...plainRound, round, root: hash(`${seed}/root ${round}`), isOver, isSilenced };
    kind.reduce(state, { ...final, publishers, first: first as never, entries: entries as never });
  }
  const charges = keys.slice(liars).map((key) => state.convicted.get(key)?.charge ?? null);
  const overruled = charges.filter((charge) => charge === 'overruled').length;
  return {
    overruled,
    framed: charges.filter((charge) => charge !== null).length - overruled,
    isCheatFound: state.convicted.has(cheat),
    trainings: [...words.values()].filter((word) => word !== null).length / drawn.size,
  };
}

/** In how many of a hundred worlds. */
export function auditPercents(world: AuditWorld, worlds: number) {
  const [accused, covered] = (['accuse', 'cover'] as const).map((lie) =>
    Array.from({ length: worlds }, (_, seed) => lived(world, lie, seed)),
  ) as [Outcome[], Outcome[]];
  const percent = (outcomes: readonly Outcome[], holds: (outcome: Outcome) => boolean): number =>
    (100 * outcomes.filter(holds).length) / worlds;
  return {
    framed: percent(accused, ({ framed }) => framed > 0),
    overruled: percent(accused, ({ overruled }) => overruled > 0),
    found: percent(covered, ({ isCheatFound }) => isCheatFound),
    trainings: accused.reduce((sum, { trainings }) => sum + trainings, 0) / worlds,
  };
}
