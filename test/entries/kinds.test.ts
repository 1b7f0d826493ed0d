/** What the log expects of a kind of entry, held against every one that is registered and against the deltas. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EntryKindDescriptor } from '../../src/entries/entry-kind-descriptor.ts';
import {
  composeEntry,
  createEntryKind,
  type EntryKindSpec,
  entryKindSchema,
  entryKinds,
} from '../../src/entries/registry.ts';
import type { EntryKind, LogEntry } from '../../src/log/entry-kind.ts';
import { type Claim, indexMax, sealEnvelope } from '../../src/log/envelope.ts';
import { contextOf, crypto, noHistory, signerOf, smallRun, smallVector } from '../log/small-run.ts';
import { plainRound } from './plain-round.ts';

interface Subject {
  readonly kind: EntryKind;
  readonly bodies: readonly Uint8Array[];
  readonly claims: readonly Claim[];
}

const run = smallRun();
const { delta, codec } = contextOf(run);
const deltaBodies = ['a', 'b', 'c'].map((seed) =>
  codec.encode(codec.select(smallVector(run.initial.length, seed))),
);

const subjects: ReadonlyArray<readonly [string, () => Subject]> = [
  ['delta', () => ({ kind: delta, bodies: deltaBodies, claims: [0, 4] })],
  ...(entryKinds as readonly EntryKindDescriptor<EntryKindSpec>[]).flatMap((descriptor) =>
    descriptor.examples.map((example, index): readonly [string, () => Subject] => [
      `${descriptor.id} ${index}`,
      () => {
        const spec = entryKindSchema.parse(example);
        return {
          kind: createEntryKind(spec, { crypto, runId: run.runId }),
          bodies: descriptor.sampleBodies(spec),
          claims: [],
        };
      },
    ]),
  ),
];

function entriesOf({ kind, bodies, claims }: Subject, round: number): LogEntry[] {
  return bodies.map((body, author) => {
    const place = { round, kind: 0, index: 0, anchor: noHistory, claims };
    const sealed = sealEnvelope(place, body, { runId: run.runId, crypto }, signerOf(author));
    return { ...sealed, content: kind.decode(body, claims) };
  });
}

function fold(subject: Subject, state: unknown, rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    const entries = entriesOf(subject, round).sort((a, b) => (a.author < b.author ? -1 : 1));
    subject.kind.reduce(state, { ...plainRound, round, entries });
  }
}

for (const [name, create] of subjects) {
  describe(`entries of kind ${name}`, () => {
    const subject = create();
    const { kind, bodies, claims } = subject;

    test(`${name}: are bounded before anything else`, () => {
      assert.ok(kind.perAuthorAndRound >= 1 && kind.perAuthorAndRound <= indexMax + 1);
      assert.ok(kind.entriesPerRoundMax >= 1 && kind.entriesPerRoundMax <= 512);
      for (const body of bodies) assert.ok(body.length <= kind.bodyBytesMax);
      assert.match(kind.id, /^[a-z][a-z-]*$/);
    });

    test(`${name}: decode, and nothing decodes that nobody writes`, () => {
      assert.ok(bodies.length > 1);
      for (const body of bodies) {
        assert.notEqual(kind.decode(body, claims), null);
        assert.equal(kind.decode(body, [...claims, 7, 7, 7]), null, 'with claims that mean nothing');
      }
      assert.equal(kind.decode(new Uint8Array(kind.bodyBytesMax).fill(255), claims), null);
    });

    test(`${name}: are reduced to a state that comes back from its bytes, within their bound`, () => {
      const state = kind.initial();
      assert.deepEqual(kind.decodeState(kind.encode(state)), state);
      fold(subject, state, 5);
      const bytes = kind.encode(state);
      assert.deepEqual(kind.decodeState(bytes), state);
      assert.ok(bytes.length <= kind.stateBytesMax, `${bytes.length} of ${kind.stateBytesMax}`);
      assert.notDeepEqual(bytes, kind.encode(kind.initial()), 'nothing of them is left in the state');
      for (const wrong of [bytes.subarray(0, -1), Uint8Array.of(...bytes, 0), new Uint8Array()])
        assert.equal(kind.decodeState(wrong), null);
      for (const { author, text } of kind.show(state)) {
        assert.match(author!, /^[0-9a-f]{64}$/);
        assert.match(text, /^[^\p{Cc}]+$/u, 'it is shown on terminals');
      }
    });

    test(`${name}: are reduced alike by everybody, and a copy of a state leaves the state alone`, () => {
      const [a, b] = [kind.initial(), kind.initial()];
      fold(subject, a, 3);
      fold(subject, b, 3);
      assert.deepEqual(kind.encode(a), kind.encode(b));
      const before = kind.encode(a);
      const copy = kind.clone(a);
      fold(subject, copy, 2);
      assert.deepEqual(kind.encode(a), before);
      assert.deepEqual(kind.encode(kind.clone(b, copy)), before, 'into memory of another');
    });

    test(`${name}: do not count once the run is over`, () => {
      const state = kind.initial();
      const entries = entriesOf(subject, 9);
      const round = { ...plainRound, round: 9, entries, isOver: true };
      assert.deepEqual(kind.reduce(state, round).publishers, []);
    });
  });
}

test('what a command says is an entry of its kind, or refused with a reason', () => {
  for (const descriptor of entryKinds as readonly EntryKindDescriptor<EntryKindSpec>[]) {
    const kind = createEntryKind(entryKindSchema.parse(descriptor.examples[0]), { crypto, runId: run.runId });
    for (const text of ['', '1', 'up at six', 'two\nlines', '\u202e']) {
      const body = composeEntry(descriptor.id, text);
      if ('refused' in body) assert.match(body.refused, /\w/);
      else assert.notEqual(kind.decode(body, []), null, JSON.stringify(text));
    }
  }
});
