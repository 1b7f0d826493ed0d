/** Members speak as auditors and judges of what nobody asked them, and take no place from those who were asked. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeScores } from '../../src/entries/score/score-body.ts';
import type { ScoreState } from '../../src/entries/score/score-state.ts';
import type { EntryKind, LogEntry } from '../../src/log/entry-kind.ts';
import { type Claim, sealEnvelope } from '../../src/log/envelope.ts';
import { placeKey } from '../../src/log/log-book.ts';
import { Replica } from '../../src/log/replica.ts';
import { rngFor } from '../../src/math/rng.ts';
import { contextOf, crypto, noHistory, signerOf, smallRun, smallVector } from './small-run.ts';

const members = 40;
const windowRounds = 4;
const signers = Array.from({ length: members }, (_, index) => signerOf(index));
const strategies = {
  audit: { audits: { rate: 0.05 } },
  score: { judging: { id: 'scores' } },
  vote: { judging: { id: 'votes' } },
};

for (const id of ['audit', 'score', 'vote'] as const)
  describe(`places for words of kind ${id}`, () => {
    const run = smallRun({
      membership: { kind: 'allow-list', members: signers.map(({ key }) => key) },
      strategy: { ...strategies[id], windowRounds, admitRounds: 2, committeeSize: 64 },
    });
    const context = contextOf(run);
    const number = context.kinds.findIndex((kind) => kind.id === id);
    const kind = context.kinds[number] as EntryKind;
    const { audits, codec, rules } = context;
    const entryOf = (
      signer: (typeof signers)[number],
      place: { readonly round: number; readonly kind: number; readonly index: number },
      claims: readonly Claim[],
      body: Uint8Array,
    ): LogEntry => {
      const sealed = sealEnvelope({ ...place, anchor: noHistory, claims }, body, context.envelopes, signer);
      const content = context.kinds[place.kind]!.decode(body, claims);
      assert.notEqual(content, null);
      return { ...sealed, body, content };
    };
    const deltaOf = (index: number, round: number): LogEntry => {
      const body = codec.encode(codec.select(smallVector(run.initial.length, `${round}/${index}`)));
      const root = crypto.sha256(body);
      const proof = audits ? [1, root, audits.nothing, root] : [];
      return entryOf(signers[index]!, { round, kind: 0, index: 0 }, [0, rules.localSteps, ...proof], body);
    };

    /** What an honest one says of what it is asked, at the first place. */
    const asked = (replica: Replica, into: number): LogEntry[] => {
      const state = replica.base.kinds[number];
      return signers.flatMap((signer) => {
        const place = { round: into, kind: number, index: 0 };
        if (audits) {
          const [one] = audits.kind.dutiesIn(state, signer.key);
          if (!one) return [];
          const { claims, body } = audits.kind.compose(one, { finding: 'same', result: '00'.repeat(32) });
          return [entryOf(signer, place, claims, body)];
        }
        const { open } = state as ScoreState;
        return [...open]
          .slice(-1)
          .flatMap(([about, { authors, evaluators }]) =>
            evaluators.includes(signer.key)
              ? [entryOf(signer, place, [about], encodeScores(authors.map(() => 1)))]
              : [],
          );
      });
    };
    /** All that one may write in a round, of what nobody asked: where it cannot be told from what is not final here yet, it is let in. */
    const aboutNothing = (signer: (typeof signers)[number], into: number): LogEntry[] =>
      Array.from({ length: kind.perAuthorAndRound }, (_, index) => {
        const place = { round: into, kind: number, index };
        const hash = crypto.sha256(new TextEncoder().encode(`${signer.key}/${index}`));
        return audits
          ? entryOf(signer, place, [into - 1, hash, 1], hash)
          : entryOf(signer, place, [into - 1], encodeScores([index]));
      });

    test('many members who say something of nothing leave those who were asked their places, in whatever order they come', () => {
      const digests = new Set<string>();
      for (let seed = 0; seed < 3; seed++) {
        const replica = new Replica({ ...context, crypto });
        const into = 2 + windowRounds;
        for (let round = 0; round <= into - windowRounds; round++)
          for (const index of signers.keys()) replica.insert(deltaOf(index, round));
        while (replica.base.round < into - windowRounds) replica.foldNext();
        const wanted = asked(replica, into);
        assert.ok(wanted.length > 0, 'somebody is asked');
        const authors = new Set(wanted.map(({ author }) => author));
        const noise = signers
          .filter(({ key }) => !authors.has(key))
          .flatMap((one) => aboutNothing(one, into));
        for (const entry of noise.slice(0, 8))
          assert.equal(
            kind.admit(entry, replica.base.kinds[number], () => undefined),
            null,
          );
        assert.ok(noise.length > kind.entriesPerRoundMax);
        for (const entry of rngFor(`${id}/${seed}`).shuffle([...noise, ...wanted])) replica.insert(entry);
        for (const entry of wanted)
          assert.equal(replica.log.entry(entry.id)?.id, entry.id, `a word of ${entry.author} gave way`);
        assert.ok(wanted.every((entry) => replica.log.at(into, placeKey(entry))));
        assert.equal(replica.log.countOf(into, number), kind.entriesPerRoundMax);
        digests.add(replica.log.digestHex(into));
      }
      assert.equal(digests.size, 1, 'the set does not depend on the order');
    });
  });
