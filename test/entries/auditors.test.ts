/** Auditors who say nothing, cover others, or cry that nothing is shown to them: what that brings about. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { AuditCase, AuditFinding, AuditState } from '../../src/entries/audit/audit-state.ts';
import { drawAuditors } from '../../src/entries/audit/auditors.ts';
import { spokeInVain, type Verdict, verdictOn } from '../../src/entries/audit/verdict.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { crypto } from '../log/small-run.ts';
import { type Auditor, convicted, delta, hash, hex, keys, kind, live, vote } from './audited-rounds.ts';
import { plainRound } from './plain-round.ts';

const [cheat, friend] = [keys[3]!, keys[7]!];

/** How often each is drawn first, for the deltas of so many rounds, each of which begins from the state. */
function drawnFirst(state: AuditState, rounds: number): Map<string, number> {
  const drawn = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const next = kind.clone(state);
    next.cases.clear();
    const first = keys.map((key) => delta(key, round));
    kind.reduce(next, {
      ...{ ...plainRound, round, root: hash(`draw ${round}`), entries: [], publishers: keys, first },
    });
    for (const { auditors } of next.cases.values())
      for (const key of auditors) drawn.set(key, (drawn.get(key) ?? 0) + 1);
  }
  return drawn;
}

const shownOf = (state: AuditState, member: string) =>
  kind.show(state).flatMap(({ author, text }) => (author === member ? [text] : []));

describe('auditors', () => {
  test('who say nothing close no audit: another is asked, once', () => {
    const state = live(kind.initial(), 12, () => null);
    const [one] = [...state.cases.values()].filter(({ round }) => round === 0);
    assert.deepEqual([one?.stage, one?.auditors.length], [1, 2]);
    live(state, 40, () => null, keys, 12);
    assert.ok([...state.cases.values()].every(({ stage }) => stage < 2));
    assert.deepEqual([convicted(state), state.marks.size], [[], 0]);
    // Twice as long as one is waited for.
    assert.ok([...state.cases.values()].every(({ round }) => round > 30));
  });

  test('who say nothing of a friend do not keep it from being found', () => {
    const state = kind.initial();
    const auditor: Auditor = ({ author, auditors }, key) =>
      author !== cheat ? 'same' : key === auditors[0] ? null : 'differs';
    // Each stage waits for who says nothing.
    live(state, 45, auditor);
    assert.deepEqual(convicted(state), [cheat]);
  });

  test('who say that a friend trained what it did not are found where another is asked too', () => {
    const state = kind.initial();
    // Each first one covers the cheat, and says nothing once others are asked.
    const coverers = new Set<string>();
    const auditor: Auditor = ({ author, auditors, stage }, key) => {
      if (author !== cheat) return 'same';
      if (stage > 0) return 'differs';
      coverers.add(auditors[0]!);
      return key === auditors[0] ? 'same' : 'differs';
    };
    live(state, 60, auditor);
    assert.deepEqual(convicted(state), [cheat]);
    const found = [...state.marks].filter(([, { overruled }]) => overruled > 0);
    assert.ok(found.length > 0 && found.every(([key]) => coverers.has(key)));
  });

  test('who are never there are drawn first the more seldom, and it is told; who speaks again is drawn again', () => {
    const state = live(kind.initial(), 60, (_, key) => (key === friend ? null : 'same'));
    assert.deepEqual(state.attended.get(friend), Array(16).fill(false));
    assert.match(
      shownOf(state, friend)[0]!,
      /of the last 16 audits that it was drawn for it said nothing in 16/,
    );
    const share = (one: AuditState) => {
      const drawn = drawnFirst(one, 300);
      const others = keys.filter((key) => key !== friend).map((key) => drawn.get(key) ?? 0);
      return (drawn.get(friend) ?? 0) / (others.reduce((sum, count) => sum + count, 0) / others.length);
    };
    const silent = share(state);
    assert.ok(silent > 0 && silent < 0.15, `${silent}`);
    state.attended.set(friend, [...Array(8).fill(false), ...Array(8).fill(true)]);
    const half = share(state);
    assert.ok(half > 0.4 && half < 0.65, `${half}`);
    assert.deepEqual(shownOf(state, friend), []);
  });

  test('who cry that nothing is shown to them where others are shown all are asked the more seldom, and nobody else is', () => {
    const cries = live(kind.initial(), 80, (_, key) => (key === friend ? 'withheld' : 'same'));
    assert.deepEqual([convicted(cries), cries.marks.size], [[], 0]);
    const inVain = (state: AuditState, key: string) =>
      (state.attended.get(key) ?? []).filter((isGood) => !isGood).length;
    assert.ok(inVain(cries, friend) >= 12, `${inVain(cries, friend)}`);
    assert.match(shownOf(cries, friend)[0]!, /nothing was shown to it where most were shown all/);
    assert.ok(keys.every((key) => key === friend || inVain(cries, key) === 0));
    // An author who shows nothing to one of them alone is one of thirteen.
    const starved = live(kind.initial(), 120, ({ author }, key) =>
      author === cheat && key === friend ? 'withheld' : 'same',
    );
    assert.deepEqual([convicted(starved), shownOf(starved, friend)], [[], []]);
    assert.ok(inVain(starved, friend) <= 6, `${inVain(starved, friend)} of 16`);
    // Who is believed by most was right.
    const withholds = live(kind.initial(), 60, ({ author }) => (author === cheat ? 'withheld' : 'same'));
    assert.deepEqual(convicted(withholds), [cheat]);
    assert.ok(keys.every((key) => inVain(withholds, key) === 0));
  });

  test('are nearly all members of a run of 64 at last', () => {
    const publishers = Array.from({ length: 80 }, (_, at) => hex(hash(`member ${at}`)));
    const [author, ...auditors] = publishers.slice(0, 5);
    const one = { id: hex(hash('delta')), author: author!, auditors, votes: new Map() };
    const drawn = drawAuditors(kind.initial(), one, 2, { ...plainRound, publishers }, crypto);
    assert.equal(auditors.length + new Set(drawn).size, 63);
    assert.ok(!drawn.some((key) => key === author || auditors.includes(key)));
  });

  test('of whom fewer than half cry convict nobody', () => {
    const six = keys.slice(0, 6);
    const state = live(kind.initial(), 60, ({ author }, key) =>
      six.includes(key) && !six.includes(author) ? 'withheld' : 'same',
    );
    assert.deepEqual([convicted(state), state.marks.size], [[], 0]);
  });
});

/** The rules of PROTOCOL.md, sentence by sentence. */
function slowVerdict({ stage, auditors, votes }: AuditCase, isLate: boolean, isAgain: boolean): Verdict {
  const say = (finding: AuditFinding) => auditors.filter((key) => votes.get(key)?.finding === finding);
  if (auditors.some((key) => !votes.has(key)) && !isLate) return { kind: 'open' };
  const groups = say('differs').map((key) =>
    say('differs').filter((other) => votes.get(other)!.result === votes.get(key)!.result),
  );
  const differ = Math.max(0, ...groups.map(({ length }) => length));
  const accuse = say('differs').length + say('withheld').length;
  const closed = { kind: 'innocent', overruled: [] } as const;
  if (stage === 0 && say('same').length === 1 && !isAgain) return closed;
  if (stage === 0) return { kind: 'doubt' };
  if (stage === 1 && accuse === 0) return closed;
  const isThreeSame = auditors.length === 4 && auditors.slice(1).every((key) => say('same').includes(key));
  if (stage === 1 && !isThreeSame) return { kind: 'doubt' };
  const isQuorum = (count: number, least: number) => 2 * count > auditors.length && count >= least;
  if (!isQuorum(differ + say('withheld').length, 2))
    return { kind: 'innocent', overruled: isQuorum(say('same').length, 3) ? say('differs') : [] };
  if (!isQuorum(differ, 2)) return { kind: 'withheld', overruled: [] };
  return { kind: 'differs', overruled: isQuorum(differ, 3) ? say('same') : [] };
}

describe('a verdict', () => {
  const word = fc.constantFrom('same', 'differs', 'another', 'withheld', null);
  const cases = fc.record({
    ...{ stage: fc.integer({ min: 0, max: 2 }), words: fc.array(word, { minLength: 1, maxLength: 63 }) },
    ...{ isLate: fc.boolean(), isAgain: fc.boolean() },
  });
  const caseOf = (stage: number, words: ReadonlyArray<string | null>): AuditCase => {
    const auditors = words.map((_, at) => hex(hash(`auditor ${at}`)));
    const votes = auditors.flatMap((key, at) => {
      const said = words[at];
      if (!said) return [];
      const finding = (said === 'another' ? 'differs' : said) as AuditFinding;
      return [[key, { finding, result: hex(hash(said)) }] as const];
    });
    const place = {
      id: hex(hash('delta')),
      author: hex(hash('author')),
      round: 0,
      root: hash('root'),
      since: 0,
    };
    return { ...place, stage, auditors, votes: new Map(votes) };
  };

  test('is what the rules say of any words', () => {
    void fc.assert(
      fc.property(cases, ({ stage, words, isLate, isAgain }) => {
        const one = caseOf(stage, stage === 0 ? words.slice(0, 1) : words);
        const [fast, slow] = [verdictOn(one, isLate, isAgain), slowVerdict(one, isLate, isAgain)];
        const sorted = (verdict: Verdict) =>
          'overruled' in verdict ? { ...verdict, overruled: [...verdict.overruled].sort() } : verdict;
        assert.deepEqual(sorted(fast), sorted(slow));
      }),
      { numRuns: 1000 },
    );
  });

  test('convicts nobody whom fewer than half accuse, and holds against no auditor what it found or where most were shown nothing', () => {
    void fc.assert(
      fc.property(cases, ({ stage, words }) => {
        const one = caseOf(stage, words);
        const verdict = verdictOn(one, true, false);
        const accuse = words.filter((said) => said !== null && said !== 'same').length;
        if (2 * accuse <= words.length) assert.ok(!['differs', 'withheld'].includes(verdict.kind));
        const inVain = spokeInVain(one);
        const isShown = words.filter((said) => said !== null && said !== 'withheld').length;
        const isUnshown = words.filter((said) => said === 'withheld').length;
        for (const [at, key] of one.auditors.entries()) {
          const isHeard = words[at] !== null && (words[at] !== 'withheld' || isShown <= isUnshown);
          if (isHeard) assert.ok(!inVain.includes(key));
          if (words[at] === null) assert.ok(inVain.includes(key));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the fold of audits', () => {
  test('convicts only by what more than half of those drawn have said, and comes to bytes that give it again, whatever is said by whom', () => {
    const words = fc.array(fc.constantFrom('same', 'differs', 'withheld', null), {
      minLength: 97,
      maxLength: 97,
    });
    const strangers = fc.array(fc.integer({ min: 0, max: keys.length - 1 }), { minLength: 7, maxLength: 7 });
    void fc.assert(
      fc.property(words, strangers, fc.boolean(), (said, authors, isCrowd) => {
        let state = kind.initial();
        // Where a crowd lies, half of them are one mind.
        const isOne = (key: string) => isCrowd && keys.indexOf(key) < keys.length / 2;
        const auditor: Auditor = ({ author, round }, key) =>
          isOne(key)
            ? isOne(author)
              ? 'same'
              : 'differs'
            : said[(keys.indexOf(key) * 31 + round) % said.length]!;
        for (let round = 0; round < 36; round++) {
          const open = [...state.cases.values()];
          const before = new Set(convicted(state));
          const stray = open
            .slice(0, 2)
            .map((one, at) => vote(one, keys[authors[(round + at) % authors.length]!]!, 'differs', round));
          live(state, 1, auditor, keys, round, stray);
          for (const author of convicted(state).filter((key) => !before.has(key))) {
            const accused = open.some(
              (one) =>
                one.author === author &&
                one.stage === 2 &&
                2 * accusersOf(one, auditor, stray) > one.auditors.length,
            );
            assert.ok(accused || state.convicted.get(author)!.charge === 'overruled', author);
          }
          const bytes = kind.encode(state);
          state = kind.decodeState(bytes)!;
          assert.deepEqual(kind.encode(state), bytes);
        }
      }),
      { numRuns: 25 },
    );
  });
});

/** Those of an audit who have said anything else than that it is the same, with what comes in the round. */
function accusersOf(one: AuditCase, auditor: Auditor, stray: readonly LogEntry[]): number {
  return one.auditors.filter((key) => {
    const isStray = stray.some(
      ({ author, content }) => author === key && (content as { id: string }).id === one.id,
    );
    const finding = one.votes.get(key)?.finding ?? auditor(one, key) ?? (isStray ? 'differs' : null);
    return finding !== null && finding !== 'same';
  }).length;
}
