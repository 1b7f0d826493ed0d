import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { notDrawn } from '../../../src/core/io.ts';
import { byTrainer } from '../../../src/learning/process/trainer-error.ts';
import { notMetPastEnd } from '../../../src/node/clock/past-end.ts';
import { noticesOf } from '../../../src/node/view/notices.ts';
import {
  OUTCOMES,
  outcomeOf,
  outcomeText,
  phaseOrOutcome,
  type Tally,
  worstOutcome,
} from '../../../src/node/view/outcome.ts';

const good: Tally = {
  isFinished: true,
  trains: true,
  rounds: 100,
  windowRounds: 6,
  countedRounds: 100,
  finalisedRound: 103,
  sinceRound: -1,
  isBack: false,
  isMember: true,
  peersSeen: 2,
  firstPeerRound: 0,
  pastEnd: null,
  peers: 2,
  slotMs: 500,
  refusing: [],
  foreignEntries: 0,
  clock: { offsetMs: 12, claimedMs: null, peers: 2 },
  deltasPublished: 98,
  skipped: {},
  folded: { own: 97, others: 190 },
  accuracy: 0.96,
  accuracyRound: 103,
  figures: { majority: 0.12, auc: null },
  agreement: { same: 2, other: 0 },
  silenced: null,
  votes: { kept: 0, rolledBack: 0, unjudged: 0 },
  privacy: null,
};
const silenced = {
  round: 12,
  text: 'its deltas carry no weight: their votes add up to -5.3, for a limit of -1.2',
  advice: 'check its labels',
  until: null,
};
const wasSilenced = { ...silenced, until: 46 };
const over = { byMs: 700_000, mayLastMs: 0, state: 'met' } as const;
const lonely = { folded: { own: 0, others: 0 }, peersSeen: 0, firstPeerRound: null, deltasPublished: 0 };
const slow = 'training took too long';

test('a trained model that is no better than guessing is said to be so', () => {
  const said = (accuracy: number | null, figures: Tally['figures']) =>
    outcomeText('trained', { ...good, accuracy, figures });
  const guess =
    /no better than guessing \(right for 37\.50 %, the most frequent class is 58\.33 % of them\): more rounds/;
  assert.match(said(0.375, { majority: 0.58333, auc: null }), guess);
  assert.match(
    said(0.9, { majority: 0.6, auc: 0.143 }),
    /\(an AUC of 0\.143, the most frequent class is 60\.00 %/,
  );
  for (const text of [
    said(0.96, { majority: 0.12, auc: null }),
    // Where nearly all are of one class, a model may rank well and still call all of them that.
    said(0.9, { majority: 0.93, auc: 0.7 }),
    said(0.5, null),
    said(null, null),
  ]) {
    assert.doesNotMatch(text, /guessing/);
  }
  const early = { ...good, accuracy: 0.0935, accuracyRound: 0 };
  assert.doesNotMatch(outcomeText('trained', early), /guessing/, 'an earlier model was meant');
});

describe('what came of a run', () => {
  const cases: readonly [why: string, fields: Partial<Tally>, is: ReturnType<typeof outcomeOf>][] = [
    ['all is well', {}, 'trained'],
    ['it is not over', { isFinished: false }, null],
    ['half of the rounds', { folded: { own: 50, others: 1 } }, 'trained'],
    ['fewer than half', { folded: { own: 49, others: 190 } }, 'late'],
    [
      'fewer than half, but others were drawn in the rest',
      { folded: { own: 10, others: 190 }, skipped: { [notDrawn]: 88 } },
      'trained',
    ],
    [
      'fewer than half, but the rest was rolled back',
      { folded: { own: 10, others: 190 }, votes: { kept: 0, rolledBack: 40, unjudged: 0 } },
      'trained',
    ],
    [
      'fewer than half, for others found that it does harm',
      { folded: { own: 9, others: 190 }, silenced },
      'silenced',
    ],
    [
      'they found so for most of it, and then that it does good again',
      { folded: { own: 40, others: 190 }, silenced: wasSilenced },
      'silenced',
    ],
    [
      'they found so for a while, and it was away for longer',
      {
        ...{ folded: { own: 20, others: 190 }, deltasPublished: 30, skipped: { [slow]: 68 } },
        silenced: wasSilenced,
      },
      'late',
    ],
    ['nothing, for others found so', { folded: { own: 0, others: 190 }, silenced }, 'silenced'],
    ['found so at the end', { silenced }, 'trained'],
    ['nothing of ours', { folded: { own: 0, others: 190 } }, 'untrained'],
    ['nothing of anybody', { folded: { own: 0, others: 0 }, countedRounds: 0 }, 'untrained'],
    ['nothing of others', { folded: { own: 97, others: 0 } }, 'alone'],
    ['nothing and nobody', { folded: { own: 0, others: 0 }, peersSeen: 0 }, 'alone'],
    ['came in the last rounds', { folded: { own: 0, others: 190 }, sinceRound: 98 }, 'late'],
    ['was there before and is back in the last rounds', { sinceRound: 98, isBack: true }, 'trained'],
    ['came after the end', { folded: { own: 0, others: 0 }, pastEnd: over, sinceRound: 200 }, 'late'],
    ['came after the end and met nobody', { ...lonely, pastEnd: over }, 'late'],
    [
      'asks whether it is over',
      { ...lonely, isFinished: false, pastEnd: { ...over, state: 'asking' } },
      null,
    ],
    ['nobody answers that', { ...lonely, isFinished: false, pastEnd: { ...over, state: 'unmet' } }, 'late'],
    [
      'trained after the end, alone, as it was told to',
      { folded: { own: 9, others: 0 }, pastEnd: over },
      'alone',
    ],
    ['most hold another model', { agreement: { same: 0, other: 1 } }, 'forked'],
    ['as many as agree, with us', { agreement: { same: 1, other: 2 } }, 'forked'],
    ['one says otherwise', { agreement: { same: 1, other: 1 } }, 'trained'],
    [
      'each has a model, and the run was over when we came back',
      { agreement: null, isBack: true, sinceRound: 100, deltasPublished: 0 },
      null,
    ],
    [
      'each has a model, and we were back in the middle',
      { agreement: null, isBack: true, sinceRound: 60, folded: { own: 38, others: 50 } },
      'trained',
    ],
  ];
  for (const [why, fields, is] of cases) {
    test(`${why}: ${is}`, () => assert.equal(outcomeOf({ ...good, ...fields }), is));
  }

  test('who is silenced is told so, since when and what to do, at its end and on the way', () => {
    const told =
      /silenced: .*since the end of round 12 its deltas carry no weight, for their votes add up to -5\.3, for a limit of -1\.2: check its labels$/;
    const few = { ...good, folded: { own: 9, others: 190 }, silenced };
    assert.match(outcomeText('silenced', few), told);
    assert.match(outcomeText('silenced', few), /in 9 of 100 rounds only/);
    assert.match(
      outcomeText('trained', { ...good, silenced }),
      /of others; since the end of round 12 its deltas carry no weight/,
    );
    const notices = noticesOf({ ...few, isFinished: false });
    assert.match(notices.find(({ id }) => id === 'silenced')!.text, told);
    assert.equal(noticesOf({ ...few, isFinished: false, silenced: null }).length, 0);
    assert.equal(noticesOf({ ...few, isFinished: false, silenced: wasSilenced }).length, 0);
    assert.match(
      outcomeText('silenced', { ...few, silenced: wasSilenced }),
      /only, for it was found from the end of round 12 to that of 46 that its deltas carry no weight, for their votes/,
    );
  });

  test('each has a sentence that begins with its name, and all but the good one say what to do', () => {
    for (const outcome of OUTCOMES) {
      const text = outcomeText(outcome, good);
      assert.ok(text.startsWith(`${outcome}: `), text);
      assert.equal(text.split(': ').length, ['kept', 'trained'].includes(outcome) ? 2 : 3, text);
    }
    const skipping = { ...good, folded: { own: 0, others: 9 }, deltasPublished: 0, skipped: { [slow]: 40 } };
    assert.match(
      outcomeText('untrained', skipping),
      /it skipped 40 rounds \(mostly: training took too long\)/,
    );
    assert.match(outcomeText('late', { ...good, sinceRound: 90 }), /for it came in round 90: /);
    assert.match(outcomeText('alone', { ...good, peersSeen: 0 }), /no peer was ever connected.*--bootstrap/);
  });

  test('who came after the end hears of that, and what is not known of it', () => {
    const unmet = { ...good, ...lonely, isFinished: false, pastEnd: { ...over, state: 'unmet' } } as const;
    assert.match(
      outcomeText('late', unmet),
      /^late: by its manifest the run was over 12 min before this node came, and nobody of it was met, so nothing was trained: .*--bootstrap.*--even-if-over/,
    );
    assert.match(
      outcomeText('late', { ...unmet, pastEnd: { ...unmet.pastEnd, mayLastMs: 9 } }),
      / \(unless /,
    );
    assert.match(
      outcomeText('late', { ...good, folded: { own: 0, others: 190 }, pastEnd: over }),
      /^late: the run was over 12 min before this node came: it holds what others learned;/,
    );
  });

  test('who was in the run and is started again after its end hears of that, and not that it came late or met nobody', () => {
    const back = { ...good, isBack: true, sinceRound: 200, deltasPublished: 0, pastEnd: over };
    const unmet = { ...back, ...lonely, isFinished: false, pastEnd: { ...over, state: 'unmet' } } as const;
    assert.match(
      outcomeText('late', unmet),
      /^late: by its manifest the run was over 12 min before this node was started again, and nobody of it was met, so nothing was trained: .*--bootstrap.*--even-if-over/,
    );
    const skipped = { [notMetPastEnd]: 60 };
    const own = { folded: { own: 30, others: 60 }, countedRounds: 31, skipped };
    assert.match(
      outcomeText('late', { ...unmet, ...own }),
      /^late: .* in 30 of 31 rounds only, for the run was over when it was started again: give the address of a node that was in it to the end with --bootstrap, or make a new run; --even-if-over/,
    );
    assert.match(
      outcomeText('late', { ...back, ...own, countedRounds: 100 }),
      /^late: .* in 30 of 100 rounds only, for the run was over when it was started again: leave nodes running until the last round$/,
    );
    const [notice] = noticesOf({ ...unmet, pastEnd: { ...over, state: 'asking' } });
    assert.match(notice!.text, /the run was over 12 min before this node was started again: nothing is/);
    for (const pastEnd of [over, null]) {
      const text = outcomeText('alone', { ...back, pastEnd, folded: { own: 97, others: 0 }, peersSeen: 0 });
      assert.match(
        text,
        /^alone: nothing that others learned is in the model, and the run was over when this/,
      );
    }
    const untrained = outcomeText('untrained', { ...back, folded: { own: 0, others: 90 } });
    assert.match(untrained, /^untrained: .*, for the run was over when it was started again: /);
  });

  test('whose trainer crashed is told so, whatever its last words, and not to come earlier', () => {
    const ended = (words: string): string =>
      `${byTrainer}ended (it exited with status 1; its last words: ${words})`;
    const own30 = { folded: { own: 30, others: 190 }, deltasPublished: 31 };
    const skipped = { [ended('no memory')]: 21, [ended('no memory at 0x7f')]: 20, [slow]: 22 };
    const text = outcomeText('late', { ...good, sinceRound: 1, ...own30, skipped });
    assert.match(
      text,
      /it skipped 63 rounds \(mostly: the trainer ended \(.*no memory\)\): mend the trainer/,
    );
    assert.doesNotMatch(text, /before the first round/);
    const none = { ...good, folded: { own: 0, others: 190 }, deltasPublished: 0, skipped };
    assert.match(outcomeText('untrained', none), /mend the trainer: `starlings trainer check`/);
    const few = { ...good, ...own30, skipped: { [ended('x')]: 1, [slow]: 60 } };
    assert.match(outcomeText('late', few), /mostly: training took too long\): start nodes before/);
  });

  test('more rounds than counted are not called a part of them', () => {
    const more = { ...good, countedRounds: 6, folded: { own: 12, others: 6 } };
    assert.match(
      outcomeText('trained', more),
      /learned in 12 rounds, of which 6 counted, and 6 deltas of others$/,
    );
  });

  test('what others left out is not reckoned from the counts of two sessions', () => {
    const back = { ...good, isBack: true, folded: { own: 40, others: 190 }, deltasPublished: 45 };
    assert.match(outcomeText('late', back), /, for it was away in the others: /);
    assert.match(
      outcomeText('late', { ...back, isBack: false }),
      /, for others left out 5 of its 45 deltas: /,
    );
  });

  test('who is alone is told whether nobody came, came late, or said nothing', () => {
    const alone = { ...good, folded: { own: 97, others: 0 } };
    assert.match(outcomeText('alone', alone), /2 peers came, .*: check their clocks/);
    const late = outcomeText('alone', { ...alone, firstPeerRound: 96 });
    assert.match(late, /the first came in round 96 of 100: train in a new run, and start all nodes before/);
    assert.doesNotMatch(late, /clock/);
    const back = { ...alone, isBack: true, peersSeen: 0 };
    assert.match(
      outcomeText('alone', back),
      /^alone: no peer was connected since this node was started again,/,
    );
    const [notice] = noticesOf({ ...back, peers: 0, isFinished: false });
    assert.match(notice!.text, /no peer was connected since this node was started again:/);
  });

  test('the worst of several counts', () => {
    assert.equal(worstOutcome(['trained', 'forked', 'alone', null]), 'forked');
    assert.equal(worstOutcome(['trained', 'late']), 'late');
    assert.equal(worstOutcome([null]), null);
  });

  test('what went wrong is not called finished', () => {
    assert.equal(phaseOrOutcome({ phase: 'finished', outcome: 'alone' }), 'alone');
    assert.equal(phaseOrOutcome({ phase: 'finished', outcome: 'trained' }), 'finished');
    assert.equal(phaseOrOutcome({ phase: 'training', outcome: null }), 'training');
    const log = { outcome: null, run: { trains: false } };
    assert.equal(phaseOrOutcome({ phase: 'training', ...log }), 'open');
    assert.equal(phaseOrOutcome({ phase: 'joining', ...log }), 'joining');
  });
});

describe('what is said while it happens', () => {
  const under: Tally = { ...good, isFinished: false, finalisedRound: 20, countedRounds: 20 };
  const idsOf = (fields: Partial<Tally>): string[] => noticesOf({ ...under, ...fields }).map(({ id }) => id);

  test('nothing where all is well, before the start and after the end', () => {
    assert.deepEqual(idsOf({}), []);
    assert.deepEqual(idsOf({ sinceRound: null, peers: 0 }), []);
    assert.deepEqual(idsOf({ isFinished: true, peers: 0 }), []);
    assert.deepEqual(idsOf({ peers: 0, deltasPublished: 0 }), [], 'the run has not begun');
  });

  test('a clock that is off by more than half a round is told, and beyond a round that nothing is trained', () => {
    const told = (clock: Tally['clock']): string | undefined =>
      noticesOf({ ...under, clock }).find(({ id }) => id === 'clock')?.text;
    const by = (offsetMs: number): Tally['clock'] => ({ offsetMs, claimedMs: null, peers: 3 });
    for (const offsetMs of [0, 250, -250]) assert.equal(told(by(offsetMs)), undefined, `${offsetMs}`);
    assert.match(
      told(by(300))!,
      /^clock: it is 0\.3 s ahead of that of 3 peers .*a round takes 0\.5 s: training stops at a round; set it \(NTP\)$/,
    );
    assert.match(told(by(-500))!, /0\.5 s behind .*training stops at a round/);
    assert.match(told(by(-501))!, /nothing is trained until it is right/);
    // The word of one stops nothing: it may be the one that is wrong.
    const ofOne = told({ offsetMs: null, claimedMs: 20_000, peers: 1 })!;
    assert.match(ofOne, /^clock: it is 20\.0 s ahead of that of the only peer, .*one of the two is wrong/);
    assert.doesNotMatch(ofOne, /trained/);
  });

  test('rounds of an alliance that too few voted on in time are told', () => {
    const told = (kept: number, unjudged: number): string | undefined =>
      noticesOf({ ...under, votes: { kept, rolledBack: 1, unjudged } }).find(({ id }) => id === 'unjudged')
        ?.text;
    assert.equal(told(14, 5), undefined);
    assert.match(
      told(14, 6)!,
      /^unjudged: of 21 rounds that were voted on 6 had no quorum and stand unjudged, .* longer ones /,
    );
  });

  test('who comes late, is alone, hears nothing, or is left out hears of it', () => {
    assert.deepEqual(idsOf({ sinceRound: 7 }), ['late']);
    assert.deepEqual(idsOf({ sinceRound: 7, isBack: true }), []);
    assert.deepEqual(idsOf({ peers: 0 }), ['alone']);
    const asking = { pastEnd: { ...over, state: 'asking' }, peers: 0, sinceRound: 200 } as const;
    assert.deepEqual(idsOf({ ...asking, skipped: { over: 3 }, deltasPublished: 0 }), ['over']);
    assert.deepEqual(idsOf({ isMember: false }), ['no-member']);
    assert.deepEqual(idsOf({ foreignEntries: 1 }), ['twin']);
    assert.deepEqual(idsOf({ refusing: ['bb'] }), ['parted']);
    assert.deepEqual(
      idsOf({ refusing: ['bb'], isFinished: true }),
      ['parted'],
      'it hides what else would come',
    );
    assert.deepEqual(idsOf({ foreignEntries: 1, isFinished: true }), ['twin']);
    assert.deepEqual(idsOf({ peers: 0, deltasPublished: 0, skipped: { [slow]: 1 } }), ['alone']);
    assert.deepEqual(idsOf({ folded: { own: 3, others: 0 } }), ['unheard']);
    assert.deepEqual(idsOf({ folded: { own: 3, others: 0 }, finalisedRound: 5 }), [], 'none is final yet');
    assert.deepEqual(idsOf({ folded: { own: 0, others: 9 }, deltasPublished: 14 }), ['left-out']);
    assert.deepEqual(idsOf({ folded: { own: 0, others: 9 }, deltasPublished: 13 }), []);
  });
});
