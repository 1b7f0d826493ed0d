/** Who is there for the log and not for its auditors: its deltas carry no weight for as long as most of its audits cannot be made. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditsSchema, createAuditKind } from '../../src/entries/audit/audit-kind.ts';
import { crypto } from '../log/small-run.ts';
import { type Auditor, convicted, keys, kind, live, nothing, truth, windowRounds } from './audited-rounds.ts';

const hider = keys[3]!;
const others = keys.filter((key) => key !== hider);
const unreached: Auditor = ({ author }) => (author === hider ? 'unreached' : 'same');
const rounds = 40;

describe('who hides from its auditors', () => {
  test('carries no weight from its third audit on in which most did not reach it, and does again once they do', () => {
    const state = live(kind.initial(), 12, unreached);
    assert.deepEqual([...state.hiding.keys()], [hider]);
    assert.ok(kind.silences!(state, hider) && !kind.silences!(state, others[0]!));
    assert.deepEqual(convicted(state), []);
    const since = state.hiding.get(hider)!;
    const [shown] = kind.show(state).filter(({ author }) => author === hider);
    assert.equal(shown?.round, since);
    assert.match(shown!.text, /^its deltas carry no weight: in \d+ of the last \d+ audits/);
    assert.match(shown!.silenced!.advice, /starlings doctor/);
    live(state, rounds, truth, keys, 12);
    assert.deepEqual([...state.hiding], []);
    assert.ok(!kind.silences!(state, hider));
    assert.ok(kind.show(state).every(({ author }) => author !== hider));
  });

  test('is found by three audits of sixteen, where it publishes while most of them look for it', () => {
    const state = live(kind.initial(), 16, truth);
    live(state, 3, unreached, keys, 16);
    const after = live(
      state,
      5,
      ({ author, round }) => (author === hider && round < 19 && round > 15 ? 'unreached' : 'same'),
      keys,
      19,
    );
    const looks = after.looks.get(hider)!;
    const hidden = looks.filter((look) => look === 'hidden').length;
    assert.ok(hidden >= 3 && hidden <= 5 && looks.length === 16, `${looks}`);
    assert.deepEqual([...after.hiding.keys()], [hider]);
  });

  test('is the same in the bytes of a state', () => {
    const state = live(kind.initial(), 12, unreached);
    const again = kind.decodeState(kind.encode(state))!;
    assert.deepEqual(again, state);
    assert.deepEqual(live(again, 6, truth, keys, 12), live(state, 6, truth, keys, 12));
  });

  test('is not who was away for a quarter of its audits, and published nothing while it was', () => {
    const state = live(kind.initial(), 12, truth);
    live(state, 2, unreached, keys, 12);
    live(state, 6, unreached, others, 14);
    const looks = state.looks.get(hider)!;
    assert.ok(looks.filter((look) => look === 'absent').length >= 3, `${looks}`);
    assert.ok(!looks.includes('hidden'), `${looks}`);
    assert.deepEqual([...state.hiding], []);
    // Who is away whenever it is looked for hides all the same.
    const never = live(live(kind.initial(), 4, unreached), 6, unreached, others, 4);
    assert.deepEqual([...never.hiding.keys()], [hider]);
  });

  test('is nobody where it is said of more than half of all, by less than half of those asked, or where the run does not ask it', () => {
    const most = new Set(keys.slice(0, 8));
    const state = live(kind.initial(), rounds, ({ author }) => (most.has(author) ? 'unreached' : 'same'));
    assert.deepEqual([...state.hiding], []);
    // Those count who are still there: of these it is more than half.
    const there = keys.slice(0, 6);
    const gone = new Set(keys.slice(0, 4));
    const left = live(
      live(kind.initial(), 6, truth),
      40,
      ({ author }) => (gone.has(author) ? 'unreached' : 'same'),
      there,
      6,
    );
    assert.deepEqual([...left.hiding], []);
    const few = new Set(others.slice(0, 6));
    const said: Auditor = ({ author }, key) => (author === hider && few.has(key) ? 'unreached' : 'same');
    assert.deepEqual([...live(kind.initial(), rounds, said).hiding], []);
    const lenient = createAuditKind(auditsSchema.parse({ rate: 1, reach: false }), {
      ...{ crypto, windowRounds, nothing },
    });
    const unasked = live(lenient.initial(), 12, unreached, keys, 0, [], lenient);
    assert.ok(unasked.looks.has(hider) && unasked.hiding.size === 0);
  });

  test('is who shows nothing to those who reach it and is not reached by the others as well', () => {
    const half = new Set(others.slice(0, 6));
    const mixed: Auditor = ({ author }, key) =>
      author !== hider ? 'same' : half.has(key) ? 'withheld' : 'unreached';
    const state = live(kind.initial(), 12, mixed);
    assert.deepEqual([...state.hiding.keys()], [hider]);
    assert.deepEqual(convicted(state), []);
  });
});
