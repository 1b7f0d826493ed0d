/** What a convicted author added is taken out again: the state is bit for bit what the log without it gives. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AuditKind } from '../../src/entries/audit/audit-kind.ts';
import type { AuditState } from '../../src/entries/audit/audit-state.ts';
import type { LogEntry } from '../../src/log/entry-kind.ts';
import { sealEnvelope } from '../../src/log/envelope.ts';
import type { Place } from '../../src/log/log-book.ts';
import { foldRound, initialState, type Kinds, type LogState } from '../../src/log/log-state.ts';
import { decodeState, encodeState } from '../../src/log/snapshot.ts';
import { rngFor } from '../../src/math/rng.ts';
import {
  bookOf,
  contextOf,
  crypto,
  deltaStateOf,
  type LogContext,
  noHistory,
  type SmallRun,
  signerOf,
  smallRun,
  smallVector,
} from './small-run.ts';

const authors = Array.from({ length: 7 }, (_, index) => index);
const keys = authors.map((index) => signerOf(index).key);
const rounds = 40;
const runs = 24;

interface World {
  readonly seed: number;
  readonly liar: number;
  /** From then on auditors find it out. */
  readonly liesFrom: number;
  readonly undo: number;
  readonly overlap: 'sum' | 'mean';
  readonly isOpen: boolean;
}

const worlds = fc.record<World>({
  seed: fc.integer({ min: 0, max: 1e6 }),
  liar: fc.constantFrom(...authors),
  liesFrom: fc.integer({ min: 0, max: 20 }),
  undo: fc.integer({ min: 1, max: 12 }),
  overlap: fc.constantFrom('sum', 'mean'),
  isOpen: fc.boolean(),
});

function runOf({ undo, overlap, isOpen }: World): SmallRun {
  return smallRun({
    rounds,
    strategy: { windowRounds: 3, admitRounds: 2, overlap, audits: { rate: 0.5, undo } },
    membership: isOpen ? { kind: 'open' } : { kind: 'allow-list', members: keys },
  });
}

function entryOf(
  context: LogContext,
  author: number,
  place: { readonly round: number; readonly kind: number; readonly index: number },
  claims: readonly (number | Uint8Array)[],
  body: Uint8Array,
): LogEntry {
  const envelope = sealEnvelope(
    { ...place, anchor: noHistory, claims },
    body,
    context.envelopes,
    signerOf(author),
  );
  const content = context.kinds[place.kind]!.decode(body, claims);
  assert.notEqual(content, null);
  return { ...envelope, content };
}

/** Deltas of most authors, some larger than what norms are clipped to. */
function deltasOf(context: LogContext, { seed }: World, round: number): LogEntry[] {
  const rng = rngFor(`undone/${seed}/${round}`);
  const { codec, audits, rules } = context;
  return authors.flatMap((author) => {
    if (rng.float() < 0.2) return [];
    const scale = rng.float() < 0.2 ? 4 : 0.1;
    const body = codec.encode(codec.select(smallVector(192, `${seed}/${round}/${author}`, scale)));
    const root = crypto.sha256(body);
    const claims = [Math.floor(3 * rng.float()), rules.localSteps, 1, root, audits!.nothing, root];
    return [entryOf(context, author, { round, kind: 0, index: 0 }, claims, body)];
  });
}

/** What those who are drawn find. */
function findingsOf(context: LogContext, { liar, liesFrom }: World, state: LogState, round: number) {
  const { kind, number } = context.audits! as { kind: AuditKind; number: number };
  return authors.flatMap((author) =>
    kind
      .dutiesIn(state.kinds[number], keys[author]!)
      .slice(0, kind.perAuthorAndRound)
      .map((one, index) => {
        const isLie = one.author === keys[liar] && one.round >= liesFrom;
        const result = (isLie ? 'ab' : '00').repeat(32);
        const { claims, body } = kind.compose(one, { finding: isLie ? 'differs' : 'same', result });
        return entryOf(context, author, { round, kind: number, index }, claims, body);
      }),
  );
}

interface Played {
  readonly state: LogState;
  readonly places: readonly (readonly Place[])[];
}

/** `joinsAt`: the state of that round goes through the bytes of a snapshot, as a late joiner's does. */
function play(context: LogContext, world: World, joinsAt = -1): Played {
  const { kinds, frame } = context;
  const book = bookOf(context);
  let state = initialState(kinds, frame);
  const places: Place[][] = [];
  for (let round = 0; round < rounds; round++) {
    for (const entry of [...deltasOf(context, world, round), ...findingsOf(context, world, state, round)])
      assert.equal(book.insert(entry), 'added');
    places.push([...book.places(round)]);
    foldRound(state, book.places(round), book.digest(round), { kinds, frame, crypto });
    if (round === joinsAt) state = decodeState(kinds, encodeState(kinds, state))!;
  }
  return { state, places };
}

/** The deltas alone, without those of the liar from a round on. */
function playWithout(context: LogContext, { places }: Played, liar: string, from: number): LogState {
  const kinds: Kinds = [context.kinds[0]];
  const { frame } = context;
  const state = initialState(kinds, frame);
  const book = bookOf(context);
  for (const [round, all] of places.entries()) {
    for (const { held } of all) {
      if (held.kind !== 'entry' || held.entry.kind !== 0) continue;
      if (held.entry.author !== liar || round < from) book.insert(held.entry);
    }
    foldRound(state, book.places(round), book.digest(round), { kinds, frame, crypto });
  }
  return state;
}

/** What deltas add up to, and by what later ones are weighed. */
function summed(state: LogState) {
  const { units, contributions, statistics } = deltaStateOf(state);
  return {
    units: [...units],
    contributions: [...contributions].sort(([a], [b]) => (a < b ? -1 : 1)),
    references: [...statistics].map(([round, { reference }]) => [round, reference]),
  };
}

describe('what a convicted author added', () => {
  test('is taken out to the last bit, as far as the log reaches, at every node and for who joins late', (t) => {
    let convictions = 0;
    let stayed = 0;
    fc.assert(
      fc.property(worlds, fc.integer({ min: 0, max: rounds - 1 }), (world, joinsAt) => {
        const context = contextOf(runOf(world));
        const played = play(context, world);
        const { convicted } = played.state.kinds[context.audits!.number] as AuditState;
        const liar = keys[world.liar]!;
        assert.ok([...convicted.keys()].every((key) => key === liar));
        const verdict = convicted.get(liar);
        const from = verdict?.undoneFrom ?? rounds;
        if (verdict) {
          convictions += 1;
          assert.ok(from <= Math.max(0, verdict.round - world.undo + 1), `${from} for ${verdict.round}`);
          const before = playWithout(context, played, liar, rounds);
          const stays = played.places
            .slice(0, from)
            .filter((places) =>
              places.some(
                ({ author, held }) => author === liar && held.kind === 'entry' && held.entry.kind === 0,
              ),
            );
          assert.equal(verdict.stays, stays.length);
          if (stays.length > 0) stayed += 1;
          assert.notDeepEqual(summed(before).units, summed(played.state).units);
        }
        assert.deepEqual(summed(played.state), summed(playWithout(context, played, liar, from)));
        const joined = play(contextOf(runOf(world)), world, joinsAt);
        assert.deepEqual(encodeState(context.kinds, joined.state), encodeState(context.kinds, played.state));
      }),
      { numRuns: runs, seed: 18 },
    );
    t.diagnostic(`${convictions} of ${runs} worlds with a conviction, ${stayed} in which deltas stay`);
    assert.ok(convictions > runs / 2 && stayed > runs / 8);
  });
});
