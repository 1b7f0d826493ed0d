import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hexToBytes } from '../../src/core/bytes.ts';
import { auditsSchema, createAuditKind } from '../../src/entries/audit/audit-kind.ts';
import type { AuditCase, AuditFinding, AuditState } from '../../src/entries/audit/audit-state.ts';
import { verdictOn } from '../../src/entries/audit/verdict.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { crypto } from '../log/small-run.ts';
import {
  type Auditor,
  convicted,
  delta,
  hash,
  hex,
  keys,
  kind,
  live,
  nothing,
  truth,
  vote,
  windowRounds,
} from './audited-rounds.ts';
import { plainRound } from './plain-round.ts';

const [liar, another] = [keys[3]!, keys[7]!];

describe('audits', () => {
  test('draw one auditor for each delta, who is not its author, by what nobody could foresee', () => {
    const state = live(kind.initial(), 1, truth);
    assert.equal(state.cases.size, keys.length);
    for (const { author, auditors } of state.cases.values()) {
      assert.equal(auditors.length, 1);
      assert.notEqual(auditors[0], author);
    }
    const drawn = new Set([...state.cases.values()].flatMap(({ auditors }) => auditors));
    assert.ok(drawn.size > 4);
    const rare = createAuditKind(auditsSchema.parse({}), { crypto, windowRounds, nothing });
    const cases = Array.from({ length: 200 }, (_, round) => {
      const seen = rare.initial();
      const first = keys.map((key) => delta(key, round));
      const root = hash(`root ${round}`);
      rare.reduce(seen, { ...plainRound, round, root, entries: [], publishers: keys, first });
      return seen.cases.size;
    }).reduce((sum, count) => sum + count, 0);
    assert.ok(Math.abs(cases - 0.02 * 200 * keys.length) < 3 * Math.sqrt(56), `${cases} of 2800`);
  });

  test('miss who always cheats for 228 rounds once in a hundred at a rate of 2 % (as BTARD counts its checks)', () => {
    const rare = createAuditKind(auditsSchema.parse({}), { crypto, windowRounds, nothing });
    const [worlds, rounds] = [40, 228];
    let missed = 0;
    for (let world = 0; world < worlds; world++) {
      const drawn = new Set<string>();
      for (let round = 0; round < rounds; round++) {
        const state = rare.initial();
        const first = keys.map((key) => delta(key, round));
        const root = hash(`world ${world}, root ${round}`);
        rare.reduce(state, { ...plainRound, round, root, entries: [], publishers: keys, first });
        for (const { author } of state.cases.values()) drawn.add(author);
      }
      missed += keys.length - drawn.size;
    }
    const expected = worlds * keys.length * (1 - 0.02) ** rounds;
    assert.ok(Math.abs(missed - expected) < 3 * Math.sqrt(expected), `${missed} for ${expected}`);
  });

  test('close where the auditor finds the same, but for one of eight, which another trains as well', () => {
    const state = kind.initial();
    const [opened, again] = [new Set<string>(), new Set<string>()];
    for (let round = 0; round < 80; round++) {
      live(state, 1, truth, keys, round);
      for (const { id, stage, auditors } of state.cases.values()) {
        opened.add(id);
        if (stage === 0) continue;
        again.add(id);
        assert.deepEqual([stage, auditors.length], [1, 2]);
      }
    }
    assert.deepEqual([convicted(state), state.marks.size], [[], 0]);
    const [expected, deviation] = [opened.size / 8, Math.sqrt((opened.size * 7) / 64)];
    assert.ok(Math.abs(again.size - expected) < 3 * deviation, `${again.size} of ${opened.size}`);
  });

  test('convict whose deltas differ, once three more say so and then more than half of all', () => {
    const cries: Auditor = ({ author }) => (author === liar ? 'differs' : 'same');
    const state = live(kind.initial(), 3, cries);
    assert.deepEqual(convicted(state), [], 'four are too few');
    const ofLiar = [...state.cases.values()].find(({ author, round }) => author === liar && round === 0)!;
    assert.equal(ofLiar.auditors.length, keys.length - 1);
    live(state, 1, cries, keys, 3);
    assert.deepEqual(convicted(state), [liar]);
    assert.equal(kind.silences!(state, liar), true);
    assert.deepEqual(
      kind.show(state).map(({ author, round }) => [author, round]),
      [[liar, 3]],
    );
  });

  test('ask all others where one of the first says that it differs, or that nothing was shown', () => {
    const drawnAfter = (finding: AuditFinding) => {
      // The second of the three does not go along with it.
      const state = live(kind.initial(), 3, ({ author, auditors }, key) =>
        author === liar && auditors[2] !== key ? finding : 'same',
      );
      return [...state.cases.values()].find(({ author, round }) => author === liar && round === 0)!.auditors;
    };
    assert.equal(drawnAfter('differs').length, keys.length - 1);
    assert.equal(drawnAfter('withheld').length, keys.length - 1);
  });

  test('draw those who are asked next by what nobody knew who spoke before them', () => {
    const first = live(kind.initial(), 1, truth);
    const [one] = [...first.cases.values()];
    const [accuser] = one!.auditors;
    const next = (root: string) => {
      const state = kind.clone(first);
      const entries = [vote(one!, accuser!, 'differs', 1)] as never;
      kind.reduce(state, { ...plainRound, round: 1, root: hash(root), publishers: keys, entries });
      return state.cases.get(one!.id)!.auditors.slice(1);
    };
    assert.notDeepEqual(next('this'), next('that'));
  });

  test('go by more than half of those who were drawn', () => {
    // Two who lie for the liar.
    const friends = [keys[1]!, keys[2]!];
    const auditor: Auditor = ({ author }, key) =>
      author === liar && !friends.includes(key) ? 'differs' : 'same';
    const state = live(kind.initial(), 8, auditor);
    assert.ok(convicted(state).includes(liar));
    assert.ok(convicted(state).every((key) => key === liar || friends.includes(key)));
  });

  test('take those who always shout for what they are, and nobody they point at', () => {
    const shouts: Auditor = (_, key) => (key === liar ? 'differs' : 'same');
    // Drawn for several deltas before the first of them is decided.
    const state = live(kind.initial(), 24, shouts);
    assert.deepEqual(convicted(state), [liar]);
    // Once only.
    const once = kind.initial();
    let about: string | null = null;
    live(once, 24, (one, key) => {
      if (key === liar) about ??= one.id;
      return key === liar && one.id === about ? 'differs' : 'same';
    });
    assert.deepEqual(once.marks.get(liar), { withheld: [], overruled: 1 });
    assert.ok([...once.cases.values()].every(({ auditors }) => !auditors.includes(liar)));
    const drawn = [...state.cases.values()].flatMap(({ auditors }) => auditors);
    assert.ok(!drawn.includes(liar));
  });

  test('take two who come to different results for no majority', () => {
    let turn = 0;
    const state = kind.initial();
    live(state, 1, truth);
    const one = [...state.cases.values()].find(({ author }) => author === another)!;
    for (let round = 1; round < 12; round++) {
      const entries = keys.flatMap((key) =>
        kind.dutiesIn(state, key).flatMap((duty) => {
          if (duty.id !== one.id) return [];
          const { claims, body } = kind.compose(duty, { finding: 'differs', result: hex(hash(`${turn++}`)) });
          return [
            { author: key, round, claims, body, content: kind.decode(body, claims) } as unknown as LogEntry,
          ];
        }),
      );
      const root = hash(`root ${round}`);
      kind.reduce(state, {
        ...{ ...plainRound, round, root, isOver: true, publishers: keys },
        entries: entries as never,
      });
    }
    assert.deepEqual(convicted(state), []);
  });

  test('count what could not be shown three times', () => {
    const withheld: Auditor = ({ author }) => (author === liar ? 'withheld' : 'same');
    const once = live(kind.initial(), 4, withheld, keys);
    assert.deepEqual(convicted(once), []);
    assert.deepEqual(once.marks.get(liar), { withheld: [0], overruled: 0 });
    const [{ author, text } = { author: null, text: '' }] = kind.show(once);
    assert.equal(author, liar);
    assert.match(text, /1 delta of it, of round 0, .*with 3 within 16 rounds/);
    assert.deepEqual(convicted(live(once, 2, withheld, keys, 4)), [liar]);
  });

  test('forget what could not be shown once sixteen more have been drawn, whenever that was said of it', () => {
    // At a rate of 1 each delta is drawn.
    const world = (withheldIn: readonly number[]) =>
      live(kind.initial(), 60, ({ author, round }) =>
        author === liar && withheldIn.includes(round) ? 'withheld' : 'same',
      );
    assert.deepEqual(convicted(world([4, 10, 19])), [liar]);
    const spread = world([4, 10, 20, 27, 37]);
    assert.deepEqual(convicted(spread), []);
    assert.deepEqual(
      spread.marks.get(liar)?.withheld ?? [],
      [27, 37],
      'as far as one to come could be added',
    );
    assert.equal(live(spread, 40, truth, keys, 60).marks.size, 0);
    // Said late of the oldest: the newest decides which count.
    const late = kind.initial();
    late.marks.set(liar, { withheld: [20, 30], overruled: 0 });
    live(late, 1, truth);
    const one = [...late.cases.values()].find((each) => each.author === liar)!;
    late.cases.clear();
    const found = { finding: 'withheld' as const, result: '00'.repeat(32) };
    const votes = new Map(
      keys
        .filter((key) => key !== liar)
        .slice(0, 4)
        .map((key) => [key, found]),
    );
    late.cases.set(one.id, { ...one, round: 14, stage: 2, auditors: [...votes.keys()], votes });
    kind.reduce(late, { ...plainRound, round: 40, root: hash('root 40'), entries: [] });
    assert.deepEqual(late.marks.get(liar)?.withheld, [20, 30]);
    late.cases.set(one.id, { ...one, round: 15, stage: 2, auditors: [...votes.keys()], votes });
    kind.reduce(late, { ...plainRound, round: 41, root: hash('root 41'), entries: [] });
    assert.deepEqual(convicted(late), [liar]);
  });

  test('hold it against no auditor that it was shown a record, or was not, where others say otherwise', () => {
    // Its author shows what it began with to none who is drawn first, and to all others; and the other way round.
    for (const isFirst of [true, false]) {
      const framing: Auditor = ({ author, auditors }, key) =>
        author === liar && (key === auditors[0]) === isFirst ? 'withheld' : 'same';
      const state = live(kind.initial(), 30, framing);
      assert.deepEqual(
        [...state.marks].filter(([, { overruled }]) => overruled > 0),
        [],
      );
      assert.ok(convicted(state).every((key) => key === liar));
    }
    const spared: Auditor = ({ author, auditors }, key) =>
      author === liar && auditors.indexOf(key) !== 4 ? 'withheld' : 'same';
    assert.deepEqual(convicted(live(kind.initial(), 30, spared)), [liar]);
  });

  test('convict nobody by one who says that it differs and one who was shown nothing', () => {
    const one = { ...[...live(kind.initial(), 1, truth).cases.values()][0]!, stage: 2 };
    const said = (finding: AuditFinding) => ({ finding, result: hex(hash(finding)) });
    const votes = new Map([keys[1]!, keys[2]!].map((key, at) => [key, said(at ? 'differs' : 'withheld')]));
    assert.deepEqual(verdictOn({ ...one, votes }, true, false), { kind: 'withheld', overruled: [] });
  });

  test('convict nobody where no more than half of those drawn say so, however few say anything else', () => {
    const one = { ...[...live(kind.initial(), 1, truth).cases.values()][0]!, stage: 2 };
    const drawn = { ...one, auditors: keys.filter((key) => key !== one.author).slice(0, 12) };
    const said = { finding: 'differs' as const, result: hex(hash('another')) };
    const after = (cries: number) =>
      verdictOn(
        { ...drawn, votes: new Map(drawn.auditors.slice(0, cries).map((key) => [key, said])) },
        true,
        false,
      );
    assert.deepEqual(
      [1, 3, 6, 7].map((cries) => after(cries).kind),
      ['innocent', 'innocent', 'innocent', 'differs'],
    );
    // Nor is it held against anybody where as few say the opposite.
    const same = { finding: 'same' as const, result: '00'.repeat(32) };
    const against = (others: number) =>
      verdictOn(
        { ...drawn, votes: new Map(drawn.auditors.map((key, at) => [key, at < others ? same : said])) },
        true,
        false,
      );
    assert.deepEqual(against(6), { kind: 'innocent', overruled: [] });
    assert.deepEqual(against(7), { kind: 'innocent', overruled: drawn.auditors.slice(7) });
    const alone = {
      ...drawn,
      auditors: drawn.auditors.slice(0, 1),
      votes: new Map([[drawn.auditors[0]!, said]]),
    };
    assert.equal(verdictOn(alone, true, false).kind, 'innocent', 'of a run of two');
  });

  test('draw no auditor who has worked less than half as much as others, and the others by what they have', () => {
    const fresh = keys.slice(0, 8);
    const [some, most] = [keys.slice(8, 11), keys.slice(11)];
    const standingOf = (key: string): number => (fresh.includes(key) ? 1 / 16 : some.includes(key) ? 0.5 : 1);
    const drawn = new Map<string, number>();
    for (let round = 0; round < 200; round++) {
      const state = kind.initial();
      const first = keys.map((key) => delta(key, round));
      const root = hash(`root ${round}`);
      kind.reduce(state, { ...plainRound, round, root, entries: [], publishers: keys, first, standingOf });
      for (const { auditors } of state.cases.values())
        for (const key of auditors) drawn.set(key, (drawn.get(key) ?? 0) + 1);
    }
    const count = (group: readonly string[]) => group.reduce((sum, key) => sum + (drawn.get(key) ?? 0), 0);
    assert.equal(count(fresh), 0);
    const ratio = count(most) / count(some);
    assert.ok(ratio > 1.8 && ratio < 2.2, `${ratio}`);
    // Where all are new each may be drawn.
    const anew = kind.initial();
    const first = keys.map((key) => delta(key, 0));
    const isNew = { publishers: keys, first, standingOf: () => 1 / 16 };
    kind.reduce(anew, { ...plainRound, round: 0, entries: [], ...isNew });
    assert.equal(anew.cases.size, keys.length);
  });

  test('hear nobody who was not asked, nor of what nobody asked, nor twice, nor of a delta of its own', () => {
    const state = live(kind.initial(), 1, truth);
    const one = [...state.cases.values()].find(({ author }) => author === liar)!;
    const stranger = keys.find((key) => key !== liar && !one.auditors.includes(key))!;
    const header = (author: string, changes: Partial<AuditCase> = {}, round = 1) =>
      vote({ ...one, ...changes }, author, 'differs', round);
    const refusal = (entry: LogEntry) => kind.admit(entry, state, () => undefined);
    assert.equal(refusal(header(one.auditors[0]!)), null);
    assert.equal(refusal(header(stranger)), 'not-in-committee');
    assert.equal(refusal(header(liar)), 'not-in-committee', 'of its own');
    assert.equal(refusal(header(stranger, { round: 40 })), 'malformed', 'of a round to come');
    assert.equal(refusal(header(one.auditors[0]!, {}, 100)), 'too-late');
    const before = kind.encode(state);
    const entries = [
      header(stranger),
      header(liar),
      header(keys[0]!, { id: hex(hash('no delta')) }),
      header(one.auditors[0]!, { round: 7 }),
    ] as never;
    kind.reduce(state, { ...plainRound, round: 1, root: hash('root 1'), isOver: true, entries });
    const shown = kind.show(state).map(({ author, text }) => [author, text]);
    const said = [stranger, liar, keys[0]!, one.auditors[0]!].sort();
    const text = (count: number) =>
      `${count} times its word as an auditor did not count: it was not asked about that delta in this history`;
    assert.deepEqual(
      shown,
      [...Map.groupBy(said, (key) => key)].map(([key, times]) => [key, text(times.length)]),
    );
    state.absurd.clear();
    assert.deepEqual(kind.encode(state), before);
    for (const claims of [[], [0, hexToBytes(one.id)], [0, hexToBytes(one.id), 4], [0, 1, 1]])
      assert.equal(kind.decode(new Uint8Array(32), claims), null);
    assert.equal(kind.decode(new Uint8Array(31), [0, hexToBytes(one.id), 1]), null);
  });

  test('count a delta that begins with what the last one left, or with nothing', () => {
    const state = live(kind.initial(), 1, truth);
    const after = state.heads.get(liar)!.after.slice();
    const counts = (before: Uint8Array) => kind.counts!(state, delta(liar, 1, before));
    assert.deepEqual([after, nothing, hash('made up')].map(counts), [true, true, false]);
    assert.equal(kind.counts!(kind.initial(), delta(liar, 1, after.slice())), false);
  });

  test('are kept as bytes that give the same state', () => {
    const state = live(kind.initial(), 6, ({ author }, key) =>
      author === liar ? 'differs' : key === another ? 'withheld' : 'same',
    );
    const bytes = kind.encode(state);
    const copy = kind.decodeState(bytes)!;
    assert.deepEqual(kind.encode(copy), bytes);
    assert.ok(bytes.length <= kind.stateBytesMax);
    const next = (one: AuditState) => kind.encode(live(one, 3, truth, keys, 6));
    assert.deepEqual(next(kind.clone(state)), next(copy));
    assert.deepEqual(kind.encode(state), bytes);
    for (const wrong of [bytes.subarray(1), new Uint8Array(), Uint8Array.of(...bytes, 0)])
      assert.equal(kind.decodeState(wrong), null);
  });
});
