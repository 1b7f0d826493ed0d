import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type AllianceSpec,
  allianceSchema,
  ballotRounds,
  createBallotKind,
} from '../../src/entries/ballot/ballot-kind.ts';
import { type BallotState, type ShowBody, seenBytes } from '../../src/entries/ballot/ballot-state.ts';
import { namesOf } from '../../src/entries/ballot/naming.ts';
import { recordState } from '../../src/entries/record-kind.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { type Claim, sealEnvelope } from '../../src/log/envelope.ts';
import { crypto, noHistory, signerOf } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

const [windowRounds, admitRounds] = [6, 1];
const after = ballotRounds(admitRounds);
const signers = Array.from({ length: 8 }, (_, index) => signerOf(index)).sort((a, b) =>
  a.key < b.key ? -1 : 1,
);
const keys = signers.map(({ key }) => key);
const signerOfKey = new Map(signers.map((signer) => [signer.key, signer]));
const rootOf = (round: number) => crypto.sha256(new TextEncoder().encode(`root ${round}`));

const kindWith = (changes: Partial<AllianceSpec> = {}) =>
  createBallotKind(allianceSchema.parse(changes), { runId: 'run', crypto, windowRounds, admitRounds });
type Kind = ReturnType<typeof kindWith>;

function entryOf(
  author: string,
  round: number,
  body: Uint8Array,
  index = 0,
  kind: Kind | null = null,
  names: readonly Claim[] = [],
) {
  const claims = kind ? names : [0, 1];
  const place = { round, kind: kind ? 1 : 0, index, anchor: noHistory, claims };
  const sealed = sealEnvelope(place, body, { runId: 'run', crypto }, signerOfKey.get(author)!);
  return { ...sealed, body, content: kind?.decode(body, claims) ?? null } as LogEntry;
}

const deltaOf = (author: string, round: number) => entryOf(author, round, Uint8Array.of(round));

/** What a voter says of a round, in shares of the loss; null: nothing, 'silent': it commits and does not show. */
type Say = (voter: string, round: number) => number | null | 'silent';

interface World {
  readonly kind: Kind;
  readonly authors?: (round: number) => readonly string[];
  readonly say: Say;
  /** Deltas that a voter has not had. */
  readonly misses?: (voter: string, round: number) => readonly string[];
  /** Commitments that it names; null: all there are. */
  readonly names?: (voter: string, round: number) => readonly Claim[] | null;
  readonly deltaOf?: (author: string, round: number) => LogEntry;
  readonly forge?: (entries: LogEntry[], round: number) => readonly LogEntry[];
}

function live(world: World, rounds: number): BallotState {
  const { kind, authors = () => keys, say, misses, forge } = world;
  const delta = world.deltaOf ?? deltaOf;
  const state = kind.initial();
  const promised = new Map<string, Uint8Array>();
  for (let round = 0; round < rounds; round++) {
    const entries: LogEntry[] = [];
    for (const voter of keys) {
      const shown = promised.get(`${voter}/${round - after.show}`);
      const names = world.names?.(voter, round - after.show) ?? kind.namesIn(state, round - after.show);
      if (shown) entries.push(entryOf(voter, round, shown, 1, kind, names));
      const duty = kind.dutyIn(state, round - after.commit, voter);
      const said = duty && say(voter, duty.round);
      if (duty === null || said === null) continue;
      const missing = new Set(
        (misses?.(voter, duty.round) ?? []).map((key) => delta(key, duty.round).id.slice(0, 2 * seenBytes)),
      );
      const seen = Buffer.from(
        Buffer.from(duty.seen)
          .toString('hex')
          .match(new RegExp(`.{${2 * seenBytes}}`, 'g'))!
          .filter((id) => !missing.has(id))
          .join(''),
        'hex',
      );
      const growth = said === 'silent' ? 0 : said;
      const body = { salt: new Uint8Array(16), before: 1e6, after: Math.round(1e6 * (1 + growth!)), seen };
      const { commit, show } = kind.compose(voter, body as ShowBody);
      if (said !== 'silent') promised.set(`${voter}/${duty.round}`, show);
      entries.push(entryOf(voter, round, commit, 0, kind));
    }
    const publishers = authors(round);
    const final = {
      ...{ ...plainRound, round, root: rootOf(round), publishers },
      entries: (forge?.(entries, round) ?? entries) as never,
      first: publishers.map((author) => delta(author, round)),
      standingOf: (author: string) => kind.standing!(state as never, author),
    };
    kind.reduce(state as never, final as never);
  }
  return recordState<BallotState>(state)!;
}

const held = (value: BallotState) => ({ value });
const isVoid = (kind: Kind, state: BallotState, round: number, author = keys[0]!) =>
  kind.silences!(held(state) as never, author, round);
const reasonsIn = ({ refused }: BallotState) =>
  Object.fromEntries(refused.counts.map(({ reason, count }) => [reason, count]));

describe('votes on whole rounds', () => {
  const kind = kindWith();

  test('a round that made it worse in the median of those who voted weighs nothing, in time for its fold, and nobody is blamed', () => {
    const bad = 5;
    const state = live({ kind, say: (_, round) => (round === bad ? 0.05 : -0.01) }, bad + after.fold);
    assert.equal(isVoid(kind, state, bad), true);
    assert.equal(isVoid(kind, state, bad - 1), false);
    assert.equal(
      kind.silences!(held(state) as never, keys[0]!),
      false,
      'its authors are heard in other rounds',
    );
    assert.deepEqual(
      state.rolledBack.map(({ round, median }) => [round, median]),
      [[bad, 50_000]],
    );
    assert.deepEqual(state.standings, []);
    assert.match(
      kind.show(held(state) as never)[0]!.text,
      /^round 5 is rolled back: .* 8 of 8 voters grew by 5\.0 %/,
    );
    assert.deepEqual(state.counts, { kept: 5, rolledBack: 1, unjudged: 0 });
  });

  test('a little worse is within the margin; fewer than the quorum decide nothing; two at least have to speak', () => {
    assert.deepEqual(live({ kind, say: () => 0.005 }, 20).rolledBack, []);
    const few = (count: number) => (voter: string) => (keys.indexOf(voter) < count ? 0.1 : null);
    assert.equal(live({ kind, say: few(5) }, 20).counts.unjudged, 16, 'five of eight');
    assert.equal(live({ kind, say: few(6) }, 20).counts.rolledBack, 16, 'six of eight are two thirds');
    const alone = { kind, authors: () => keys.slice(0, 1), say: () => 0.1 };
    assert.equal(live(alone, 20).counts.unjudged, 16);
  });

  test('fewer than half who lie change nothing, and lose standing where they say the opposite by far', () => {
    const liars = new Set(keys.slice(0, 3));
    const state = live({ kind, say: (voter) => (liars.has(voter) ? 0.9 : -0.02) }, 20);
    assert.deepEqual(state.rolledBack, []);
    assert.deepEqual(
      state.standings,
      [...liars].map((voter) => ({ voter, standing: 1 })),
    );
    // Sites that differ, and one for which things went the other way, are not far.
    const torn = live({ kind, say: (voter) => 0.004 * (2 - keys.indexOf(voter)) }, 20);
    assert.deepEqual(torn.standings, []);
  });

  test('whoever commits and shows nothing loses standing, and has it back by showing', () => {
    const lazy = keys[2]!;
    const say =
      (until: number): Say =>
      (voter, round) =>
        voter === lazy && round < until ? 'silent' : -0.01;
    const state = live({ kind, say: say(3) }, 3 + after.show);
    assert.deepEqual(state.standings, [{ voter: lazy, standing: 4 }]);
    assert.match(kind.show(held(state) as never).at(-1)!.text, /^its vote weighs 4\/16/);
    assert.deepEqual(live({ kind, say: say(3) }, 3 + after.show + 12).standings, []);
  });

  test('a delta that most of those who voted had not seen weighs nothing; half is enough', () => {
    const late = keys[1]!;
    const without = (count: number) => (voter: string) => (keys.indexOf(voter) < count ? [late] : []);
    const at = 8;
    const say: Say = () => -0.01;
    const state = live({ kind, say, misses: without(5) }, at + after.fold);
    assert.equal(isVoid(kind, state, at, late), true);
    assert.equal(isVoid(kind, state, at, keys[0]), false);
    assert.equal(isVoid(kind, live({ kind, say, misses: without(4) }, at + after.fold), at, late), false);
  });

  test('nor does a late one whose id begins like that of one they had seen: four bytes are found in minutes', () => {
    const [late, at] = [keys[1]!, 8];
    const ground = (author: string, round: number): LogEntry => {
      const entry = deltaOf(author, round);
      if (author !== late) return entry;
      return { ...entry, id: deltaOf(keys[0]!, round).id.slice(0, 8) + entry.id.slice(8) };
    };
    const world = { kind, say: () => -0.01, misses: () => [late], deltaOf: ground };
    const state = live(world, at + after.fold);
    assert.equal(isVoid(kind, state, at, late), true);
    assert.equal(isVoid(kind, state, at, keys[0]), false);
  });

  test('a vote whose commitment no more than half of those with a say had is late: it counts for nothing, and nobody is blamed', () => {
    const [late, at] = [keys.slice(0, 3), 5];
    /** Those that are late name one another; `blind` of the others name theirs too. */
    const world = (blind: number): World => {
      const committed = new Map<string, Uint8Array>();
      return {
        kind,
        say: (voter) => (late.includes(voter) ? 0.9 : -0.01),
        forge(entries) {
          for (const { author, content, round } of entries)
            if ('hash' in (content as object))
              committed.set(`${author}/${round - after.commit}`, (content as { hash: Uint8Array }).hash);
          return entries;
        },
        names: (voter, round) => {
          const knowing = late.includes(voter) || keys.indexOf(voter) >= keys.length - blind;
          const known = keys.filter((one) => knowing || !late.includes(one));
          return namesOf(known.flatMap((one) => committed.get(`${one}/${round}`) ?? []));
        },
      };
    };
    const state = live(world(1), at + after.fold);
    const said = state.decided.map((verdict) => verdict.said.map(({ voter }) => voter));
    for (const voters of said) assert.deepEqual(voters, keys.slice(3), 'four of eight know of them');
    assert.deepEqual(state.standings, []);
    assert.deepEqual(reasonsIn(state), { late: 3 * state.counts.unjudged });
    const known = live(world(2), at + after.fold).decided[0]!;
    assert.equal(known.said.length, keys.length, 'five of eight do');
  });

  test('who was late itself and names nothing has no say in who else was; where nobody names any, no vote counts', () => {
    const most = (voter: string) => (keys.indexOf(voter) < 6 ? [] : null);
    assert.equal(live({ kind, say: () => 0.1, names: most }, 12).counts.unjudged, 0);
    assert.deepEqual(live({ kind, say: () => 0.1, names: () => [] }, 12).rolledBack, []);
  });

  test('a commitment claims nothing, and a vote names; either has its place', () => {
    const { commit, show } = kind.compose(keys[0]!, {
      ...{ salt: new Uint8Array(16), before: 1, after: 1, seen: new Uint8Array() },
    });
    const names = namesOf(Array.from({ length: 32 }, (_, index) => rootOf(index)));
    assert.equal(names.length, 8);
    assert.equal(kind.decode(commit, names), null);
    assert.notEqual(kind.decode(show, names), null);
    const forge = (entries: LogEntry[]): LogEntry[] =>
      entries.map((entry) => (entry.author === keys[0] ? { ...entry, index: 1 - entry.index } : entry));
    assert.ok(reasonsIn(live({ kind, say: () => -0.01, forge }, 12))['not in its place']! > 0);
  });

  test('voters are drawn by tickets among the authors, anew for each round, by a root of the past; all where they are few', () => {
    const few = kindWith({ voters: 3 });
    const state = live({ kind: few, say: () => -0.01 }, 30);
    const drawn = state.open.map(({ voters }) => voters);
    for (const voters of drawn) assert.equal(voters.length, 3);
    assert.ok(new Set(drawn.map(String)).size > 1);
    assert.deepEqual(live({ kind, say: () => -0.01 }, 30).open[0]!.voters, keys);
  });

  test('what was not asked for is refused, counted and shown: no commit, another vote than committed to, twice, not drawn, no round', () => {
    const said = { salt: new Uint8Array(16), before: 2, after: 1, seen: new Uint8Array(0) };
    const other = (voter: string) => kind.compose(voter, said).show;
    const forge = (entries: LogEntry[], round: number): LogEntry[] => {
      if (round < 8) return round === 0 ? [entryOf(keys[0]!, 0, other(keys[0]!), 0, kind)] : entries;
      const isShow = ({ content }: LogEntry) => 'salt' in (content as object);
      return entries.flatMap((entry) => {
        if (entry.author === keys[0] && isShow(entry))
          return [entryOf(keys[0]!, round, other(keys[0]!), 1, kind)];
        if (entry.author === keys[1]) return isShow(entry) ? [entry, entry] : [entry, entry];
        return [entry];
      });
    };
    const say: Say = (voter) => (voter === keys[3] ? null : -0.01);
    const stranger = (entries: LogEntry[], round: number): LogEntry[] => [
      ...forge(entries, round),
      ...(round === 12 ? [entryOf(keys[3]!, round, other(keys[3]!), 1, kind)] : []),
    ];
    const state = live({ kind, say, forge: stranger }, 13);
    assert.deepEqual(reasonsIn(state), {
      'about no round': 1,
      'is committed': 5,
      'is revealed': 5,
      'no commit': 1,
      'not what was committed': 5,
    });
    assert.equal(state.rolledBack.length, 0);
    assert.ok(kind.show(held(state) as never).some(({ text }) => text === 'refused, no commit: a vote'));
    const outside = live(
      {
        kind,
        authors: () => keys.slice(0, 4),
        say: () => -0.01,
        forge: (entries, round) =>
          round === 9
            ? [...entries, entryOf(keys[7]!, round, kind.compose(keys[7]!, said).commit, 0, kind)]
            : entries,
      },
      12,
    );
    assert.deepEqual(reasonsIn(outside), { 'not drawn': 1 });
  });

  test('nobody can show the commitment of another, for it is of a key', () => {
    const forge = (entries: LogEntry[], round: number): LogEntry[] =>
      entries.map((entry) => {
        const first = entries.find(
          ({ author, content }) =>
            author === keys[0] && 'hash' in (content as object) === 'hash' in (entry.content as object),
        );
        return entry.author === keys[1] && first
          ? entryOf(keys[1]!, round, first.body, entry.index, kind)
          : entry;
      });
    const state = live({ kind, say: () => -0.01, forge }, 12);
    assert.equal(reasonsIn(state)['not what was committed'], 8);
  });

  test('bodies of wrong lengths, kinds and numbers are none', () => {
    const body = { salt: new Uint8Array(16), before: 1, after: 1, seen: new Uint8Array(2 * seenBytes) };
    const { commit, show } = kind.compose(keys[0]!, body);
    assert.notEqual(kind.decode(commit, []), null);
    assert.notEqual(kind.decode(show, []), null);
    for (const changes of [
      { seen: new Uint8Array(7) },
      { salt: new Uint8Array(15) },
      { before: -1 },
      { after: 0.5 },
      { after: 2e12 },
      { more: 1 },
    ])
      assert.equal(kind.decode(kind.compose(keys[0]!, { ...body, ...changes } as ShowBody).show, []), null);
    assert.equal(kind.decode(commit.subarray(0, -1), []), null);
    assert.equal(kind.decode(commit, [3]), null, 'claims that mean nothing');
    assert.equal(kind.decode(new Uint8Array(kind.bodyBytesMax).fill(255), []), null);
  });

  test('a loss that grew from nothing beyond all bounds leaves a state that a late joiner can read', () => {
    const absurd = { salt: new Uint8Array(16), before: 0, after: 1e12, seen: new Uint8Array(0) };
    const liar = keys[0]!;
    const { commit, show } = kind.compose(liar, absurd);
    const forge = (entries: LogEntry[], round: number): LogEntry[] =>
      entries.map((entry) =>
        entry.author === liar
          ? entryOf(liar, round, entry.index === 0 ? commit : show, entry.index, kind)
          : entry,
      );
    const value = live({ kind, authors: () => keys.slice(0, 2), say: () => -0.01, forge }, 12);
    assert.ok(value.rolledBack.length > 0, 'one of two is half of them');
    assert.deepEqual(kind.decodeState(kind.encode(held(value))), held(value));
  });

  test('the state comes back from its bytes, within its bound, at any round', () => {
    for (const rounds of [1, 4, 12, 40]) {
      const value = live(
        { kind, say: (voter, round) => (round % 5 === 0 ? 0.1 : voter === keys[0] ? 'silent' : -0.1) },
        rounds,
      );
      const bytes = kind.encode(held(value));
      assert.deepEqual(kind.decodeState(bytes), held(value));
      assert.ok(bytes.length <= kind.stateBytesMax);
      for (const wrong of [bytes.subarray(0, -1), Uint8Array.of(...bytes, 0), new Uint8Array()])
        assert.equal(kind.decodeState(wrong), null);
    }
    assert.ok(live({ kind, say: () => 0 }, 40).decided.length <= windowRounds + 1);
  });
});
