/** What audits had taken out of the model again earns nothing, and the rounds since are measured by the model without it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explainLines, ledgerLines } from '../../src/cli/view/ledger-lines.ts';
import { ledgerOf, type RunLedgerOptions } from '../../src/daemon/run-ledger.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { accountsCsv, accountsOf } from '../../src/ledger/accounts.ts';
import { Evaluation } from '../../src/ledger/evaluation.ts';
import { FoldRecorder, type RecordedRound } from '../../src/ledger/fold-recorder.ts';
import { ledgerDefaults } from '../../src/ledger/ledger.ts';
import { scoreRound } from '../../src/ledger/score-round.ts';
import { ArchiveFrames } from '../../src/log/archive.ts';
import { type Envelope, openEnvelope } from '../../src/log/envelope.ts';
import { LogBook } from '../../src/log/log-book.ts';
import { foldRound, initialState, type Kinds } from '../../src/log/log-state.ts';
import { deltasOf } from '../../src/methods/registry.ts';
import { openManifest } from '../../src/run/manifest.ts';
import { crypto } from '../log/small-run.ts';
import { foldedIn, play, withFile } from './cast.ts';

const [rounds, liar, liesFrom] = [12, 1, 7];
const strategy = { windowRounds: 3, admitRounds: 2, audits: { rate: 1, undo: 3 } };
const played = await play(['honest', 'honest', 'honest', 'honest', 'honest'], rounds, strategy, {
  ...{ peer: liar, from: liesFrom },
});
const { keys } = played;
const cheat = keys[liar]!;
const options: RunLedgerOptions = {
  ...{ run: '', evaluation: null, examplesPerRound: 128, settings: { ...ledgerDefaults, spotRate: 0 } },
};
const found = await withFile(played.archive, (file) => ledgerOf(file, options));
const { ledger } = found;
const accounts = accountsOf(ledger, { memory: 1, policy: { id: 'proportional' } });
const from = Math.min(...ledger.undone.map(({ round }) => round));

/** Rounds of the same log, folded without what is taken out. */
function foldedWithout(isOut: (envelope: Envelope) => boolean): RecordedRound[] {
  const frames = new ArchiveFrames().take(played.archive);
  const { manifest, runId } = openManifest(frames[0]!.slice(), crypto);
  const recorder = new FoldRecorder();
  const { observeFold } = recorder;
  const initial = initialVector(manifest.model, manifest.seed);
  const parts = deltasOf(played.spec.strategy)!.parts(manifest, runId, {
    ...{ crypto, initial, random: () => 0, observeFold },
  });
  const kinds: Kinds = [parts.kinds[0]];
  const state = initialState(kinds, parts.frame);
  const book = new LogBook({ runId, crypto, entriesPerRoundMax: [parts.kinds[0].entriesPerRoundMax] });
  for (const bytes of frames.slice(2, -2)) {
    const opened = openEnvelope(bytes.slice(), parts.envelopes);
    assert.ok(opened.ok && opened.envelope.body);
    const { envelope } = opened;
    const { body } = opened.envelope;
    if (envelope.kind === 0 && !isOut(envelope))
      book.insert({ ...envelope, body, content: parts.kinds[0].decode(body, envelope.claims)! });
  }
  for (let round = 0; round < rounds; round++) {
    const places = book.places(round);
    foldRound(state, places, book.digest(round), { kinds, frame: parts.frame, crypto });
    recorder.onRound(state, places);
  }
  return foldedIn(recorder);
}

describe('a ledger of a run in which an author was found out', () => {
  test('has no score for what was taken out again, and names each of it', () => {
    assert.ok(from > 0 && from < liesFrom, `from round ${from} on`);
    assert.ok(ledger.undone.length >= strategy.audits.undo);
    assert.ok(ledger.undone.every(({ author, by, round }) => author === cheat && by >= round));
    for (const { round, deltas } of ledger.rounds)
      assert.equal(
        deltas.some(({ author }) => author === cheat),
        round < from,
        `round ${round}`,
      );
    const account = accounts.peers.find(({ peer }) => peer === cheat)!;
    assert.deepEqual([account.deltas, account.undone], [from, ledger.undone.length]);
    const entries = played.recorded.flatMap(({ round, entries }) => {
      const entry = entries.get(cheat);
      return entry && round >= from ? [entry.id] : [];
    });
    assert.deepEqual(
      ledger.undone.map(({ entry }) => entry),
      entries.slice(0, ledger.undone.length),
    );
  });

  test('measures the rounds since by the model as it is without it, to the last unit', async () => {
    const { spec, data, runId } = played;
    const evaluation = new Evaluation({
      ...{ runId, model: spec.model, dataset: data.heldOut, frozen: null, examplesPerRound: 128, crypto },
    });
    const without = foldedWithout(({ author, round }) => author === cheat && round >= from);
    assert.deepEqual(
      ledger.rounds.map(({ round }) => round),
      without.map(({ round }) => round),
    );
    for (const [at, recorded] of without.entries()) {
      const row = ledger.rounds[at]!;
      const root = Buffer.from(row.root, 'hex');
      const { lossBefore, lossAfter, scores } = await scoreRound({ ...recorded, root }, evaluation, 'sum');
      assert.deepEqual([row.lossBefore, row.lossAfter], [lossBefore, lossAfter]);
      assert.deepEqual(
        row.deltas.map(({ author, score, weight }) => [author, score, weight]),
        recorded.deltas.map(({ author }, index) => [author, scores[index], recorded.weights[index]]),
      );
      assert.ok(row.deltas.every(({ entry }) => entry !== ''));
    }
    const unlike = played.recorded.filter(
      ({ round, weights }, at) => round >= from && weights[0] !== ledger.rounds[at]?.deltas[0]?.weight,
    );
    assert.ok(unlike.length > 0, 'one delta fewer is another weight for the rest');
  });

  test('says which way the loss went, and what a cap leaves', () => {
    const linesOf = (drop: number, share: number): readonly string[] => {
      const peers = accounts.peers.slice(0, 1).map((one) => ({ ...one, share }));
      return ledgerLines(found, { ...accounts, drop, peers, policy: { id: 'capped', max: 0.3 } }, 160);
    };
    const grown = linesOf(-70_000, 300_000);
    assert.ok(grown.some((line) => line.startsWith('loss      grew by 0.070000 nats, of which')));
    assert.ok(grown.includes("shares    capped:max=0.3; 70.00 % is nobody's, and stays with whoever pays"));
    const fallen = linesOf(70_000, 1_000_000);
    assert.ok(fallen.some((line) => line.startsWith('loss      fell by 0.070000 nats, of which')));
    assert.ok(fallen.includes('shares    capped:max=0.3'));
  });

  test('says so, of all and of the peer', () => {
    const count = ledger.undone.length;
    assert.ok(
      ledgerLines(found, accounts, 160).some((line) =>
        line.startsWith(`undone    ${count} deltas of ${cheat.slice(0, 16)} are out of the model`),
      ),
    );
    const lines = explainLines(found, accounts, cheat.slice(0, 16));
    assert.ok(lines.some((line) => line.startsWith(`undone    ${count} deltas of it, which audits`)));
    for (const { round, entry, by } of ledger.undone)
      assert.ok(
        lines.includes(
          `round ${round}: its delta, entry ${entry}, taken out of the model again by what auditors had said by round ${by}; no score`,
        ),
      );
    const row = accountsCsv(accounts, {})
      .split('\r\n')
      .find((line) => line.startsWith(cheat))!;
    assert.equal(row.split(',')[4], String(count));
  });
});
