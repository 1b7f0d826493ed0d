/** Drawn worlds of auditors who lie together, beside honest ones of whom a share of the words never comes: who is convicted. */
import { auditsSchema, createAuditKind } from '../../src/entries/audit/audit-kind.ts';
import type { AuditCase, AuditVote } from '../../src/entries/audit/audit-state.ts';
import { rngFor } from '../../src/math/rng.ts';
import { crypto } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

const nothing = new Uint8Array(32).fill(9);
/** Each author is drawn six times while all publish, as in 300 rounds at the default rate; then what is open is decided. */
const [rate, publishedRounds, lastRound] = [0.1, 60, 100];
/** Where somebody hides, 24 times, as in 1,200 rounds; what weighs is counted from a third of that on. */
const [hiddenRounds, hiddenFrom] = [240, 80];
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

/**
 * What liars say. `accuse`: that what others train differs, with one result. `cry`: that others show them nothing. Of each other's deltas they say that they
 * are the same; `hush`: nothing; `alone`: that they are the same where nobody else is asked yet, and nothing afterwards. `withhold`: the first of them shows
 * nothing to anybody else, and they cover it. `hide`: it lets nobody else reach it, and they cover it. `deny`: they say of everybody else that they do not reach
 * it. `none`: nobody lies, or cheats.
 */
type Lie = 'none' | 'cover' | 'hush' | 'alone' | 'withhold' | 'accuse' | 'cry' | 'hide' | 'deny';

interface Outcome {
  /** Honest members who were convicted of what they published, and for what they said as auditors. */
  readonly framed: number;
  readonly overruled: number;
  readonly isCheatFound: boolean;
  /** Liars beside the cheat who were found to have said what is wrong, and all of them. */
  readonly exposed: number;
  readonly friends: number;
  /** Trainings by auditors for each delta that was drawn, and words. */
  readonly trainings: number;
  readonly words: number;
  /** Part of the rounds in which the deltas of the cheat weighed, and those of all who are honest. */
  readonly cheatWeighs: number;
  readonly honestWeigh: number;
}

function wordOfLiar({ id, stage }: AuditCase, isOfLiar: boolean, lie: Lie): AuditVote | null {
  const same: AuditVote = { finding: 'same', result: '00'.repeat(32) };
  if (isOfLiar) return lie === 'hush' || (lie === 'alone' && stage > 0) ? null : same;
  if (lie === 'deny') return { ...same, finding: 'unreached' };
  if (lie === 'accuse') return { finding: 'differs', result: hex(hash(id)) };
  return lie === 'cry' ? { ...same, finding: 'withheld' } : same;
}

function lived({ members, liars, missing }: AuditWorld, lie: Lie, seed: number): Outcome {
  const rng = rngFor(`audit worlds/${members}/${liars}/${missing}/${lie}/${seed}`);
  const keys = Array.from({ length: members }, (_, index) => hex(hash(`${seed}/${index}`)));
  const [cheat, isLiar] = [keys[0]!, (key: string) => lie !== 'none' && keys.indexOf(key) < liars];
  const wordOf = (one: AuditCase, auditor: string): AuditVote | null => {
    if (isLiar(auditor)) return wordOfLiar(one, isLiar(one.author), lie);
    if (rng.uniform(0, 1) < missing) return null;
    if (one.author !== cheat || lie === 'none') return { finding: 'same', result: '00'.repeat(32) };
    if (lie === 'hide') return { finding: 'unreached', result: '00'.repeat(32) };
    return { finding: lie === 'withhold' ? 'withheld' : 'differs', result: hex(hash(one.id)) };
  };
  const state = kind.initial();
  const words = new Map<string, AuditVote | null>();
  const drawn = new Set<string>();
  const isLong = lie === 'hide' || lie === 'deny';
  const published = isLong ? hiddenRounds : publishedRounds;
  const weighed: { cheat: boolean; honest: number }[] = [];
  for (let round = 0; round < published + lastRound - publishedRounds; round++) {
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
    const publishers = keys.filter((key) => !state.convicted.has(key));
    const honest = keys.slice(liars).filter((key) => !isSilenced(key)).length / (members - liars);
    if (round < published) weighed.push({ cheat: !isSilenced(cheat), honest });
    const first = publishers.map((author) => {
      const proof = { before: nothing, after: nothing };
      return { id: hex(hash(`${author}/${round}`)), author, round, kind: 0, content: { proof } };
    });
    const isOver = round >= published;
    const final = { ...plainRound, round, root: hash(`${seed}/root ${round}`), isOver, isSilenced };
    kind.reduce(state, { ...final, publishers, first: first as never, entries: entries as never });
  }
  const chargeOf = (key: string) => state.convicted.get(key)?.charge ?? null;
  const charges = keys.slice(liars).map(chargeOf);
  const overruled = charges.filter((charge) => charge === 'overruled').length;
  const isExposed = (key: string) =>
    chargeOf(key) === 'overruled' || (state.marks.get(key)?.overruled ?? 0) > 0;
  const counted = weighed.slice(isLong ? hiddenFrom : 0);
  const spoken = [...words.values()].flatMap((word) => (word ? [word.finding] : []));
  const isTraining = (finding: string): boolean => finding === 'same' || finding === 'differs';
  return {
    cheatWeighs: counted.filter(({ cheat }) => cheat).length / counted.length,
    honestWeigh: counted.reduce((sum, { honest }) => sum + honest, 0) / counted.length,
    words: spoken.length / drawn.size,
    overruled,
    framed: charges.filter((charge) => charge !== null).length - overruled,
    isCheatFound: state.convicted.has(cheat),
    exposed: keys.slice(1, liars).filter(isExposed).length,
    friends: liars - 1,
    trainings: spoken.filter(isTraining).length / drawn.size,
  };
}

export function outcomes(world: AuditWorld, lie: Lie, worlds: number): readonly Outcome[] {
  return Array.from({ length: worlds }, (_, seed) => lived(world, lie, seed));
}

/** Of a hundred worlds. */
export function percent(of: readonly Outcome[], holds: (outcome: Outcome) => boolean): number {
  return (100 * of.filter(holds).length) / of.length;
}

export const isFound = ({ isCheatFound }: Outcome) => isCheatFound;
/** An honest member is convicted of something. */
export const isUnjust = ({ framed, overruled }: Outcome) => framed + overruled > 0;

/** In how many of a hundred worlds; of `exposed`, how many of a hundred liars. */
export function auditPercents(world: AuditWorld, worlds: number) {
  const of = (lie: Lie) => outcomes(world, lie, worlds);
  const mean = (outcomes: readonly Outcome[], part: (outcome: Outcome) => number): number =>
    outcomes.reduce((sum, outcome) => sum + part(outcome), 0) / worlds;
  const [honest, accused, cried, alone] = [of('none'), of('accuse'), of('cry'), of('alone')];
  const [hidden, denied] = [of('hide'), of('deny')];
  return {
    /** Honest members: where liars accuse, where they cry. */
    framed: percent(accused, ({ framed }) => framed > 0),
    overruled: percent(accused, ({ overruled }) => overruled > 0),
    criedOut: percent(cried, isUnjust),
    /** Who always cheats: while the others say that it does not, say nothing, or say nothing where others are asked too; and who shows nothing. */
    found: percent(of('cover'), isFound),
    hushed: percent(of('hush'), isFound),
    alone: percent(alone, isFound),
    exposed: mean(alone, ({ exposed, friends }) => (100 * exposed) / friends),
    withheld: percent(of('withhold'), isFound),
    /** Trainings for each delta that is drawn: where nobody lies, where liars accuse, where they cry. */
    trainings: mean(honest, ({ trainings }) => trainings),
    accused: mean(accused, ({ trainings }) => trainings),
    cried: mean(cried, ({ trainings }) => trainings),
    /** Rounds (%) in which who hides weighs, and the honest where liars say that they reach nobody; what is trained then, and said where one hides. */
    hides: mean(hidden, ({ cheatWeighs }) => 100 * cheatWeighs),
    denied: mean(denied, ({ honestWeigh }) => 100 * honestWeigh),
    denials: mean(denied, ({ trainings }) => trainings),
    words: mean(hidden, ({ words }) => words),
  };
}
