import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeNarrator } from '../../src/cli/view/node-lines.ts';
import type { NodeEvent, RunEvent } from '../../src/node/events.ts';
import { someFacts, someSample } from '../node/some-run.ts';

const facts = someFacts({ startAtMs: 100_000 });

/** Hears events at given times and gathers what is said. */
class Listener {
  readonly narrator: NodeNarrator;
  readonly lines: string[] = [];

  constructor(options: ConstructorParameters<typeof NodeNarrator>[0] = {}) {
    this.narrator = new NodeNarrator(options);
  }

  hear(atMs: number, event: RunEvent, runId = 'run'): void {
    const told = { ...event, atMs, node: 'aa', runId } as NodeEvent;
    this.lines.push(...this.narrator.hear(told));
  }
}

const opened: RunEvent = { source: 'session', event: { kind: 'opened', facts } };
const running: RunEvent = { source: 'session', event: { kind: 'running', round: -1, isBack: false } };
const phase = (name: 'training' | 'draining' | 'finished'): RunEvent => ({
  source: 'protocol',
  event: { kind: 'phase', phase: name },
});
const sampled = (atRound: number, finalisedRound: number): RunEvent => ({
  source: 'session',
  event: {
    kind: 'sampled',
    sample: someSample({
      ...{
        phase: 'draining',
        round: atRound,
        finalisedRound,
        countedRounds: finalisedRound + 1,
        lastTrained: { round: atRound, loss: 0.2 },
      },
      contributions: ['aa', 'bb'].map((peer) => ({ peer, deltas: finalisedRound + 1, share: 0.5 })),
    }),
  },
});
const round = (number: number): RunEvent => ({
  source: 'protocol',
  event: { kind: 'round-started', round: number },
});

test('says what is waited for, who is there, how rounds go and how it ends', () => {
  const listener = new Listener();
  listener.hear(9000, opened);
  listener.hear(9500, { source: 'session', event: { kind: 'prepared', backend: 'WebAssembly' } });
  listener.hear(10_000, running);
  listener.hear(20_000, { source: 'network', event: { kind: 'peer-up', peer: 'bb' } });
  listener.hear(39_000, round(-1));
  listener.hear(41_000, { source: 'network', event: { kind: 'peer-up', peer: 'cc' } });
  listener.hear(100_000, phase('training'));
  listener.hear(100_001, round(0));
  listener.hear(100_400, {
    source: 'protocol',
    event: { kind: 'published', round: 0, bodyBytes: 5, loss: 2.3 },
  });
  listener.hear(105_000, round(10));
  listener.hear(110_001, round(20));
  listener.hear(150_000, sampled(100, 93));
  listener.hear(150_000, phase('draining'));
  listener.hear(153_000, sampled(106, 99));
  listener.hear(153_000, phase('finished'));
  const path = '/node/runs/run/model.safetensors';
  listener.hear(153_001, { source: 'session', event: { kind: 'saved', path, modelHash: 'f00d' } });
  listener.hear(153_002, {
    source: 'session',
    event: { kind: 'evaluated', round: 99, accuracy: 0.9639, loss: 0.1, examples: 10_000 },
  });
  listener.hear(200_000, { source: 'network', event: { kind: 'peer-down', peer: 'cc' } });
  assert.deepEqual(listener.lines, [
    'run       demo (run): 100 rounds of 0.5 s, the first in 1:31 min',
    'backend   WebAssembly',
    'waiting   the first round begins in 1:30 min, 0 peers',
    'peers     the first is here',
    'waiting   the first round begins in 59 s, 2 peers',
    'round     0/100, training, loss -, accuracy -, 2 peers',
    'round     20/100, training, loss 2.300, accuracy -, 2 peers',
    'round     100/100, draining, loss 0.200, accuracy -, 2 peers',
    'round     100/100, finished, loss 0.200, accuracy -, 2 peers',
    'trained   the model has what this node learned in 100 of 100 rounds and 100 deltas of others',
    `model     ${path}`,
    'accuracy  96.39 % on 10000 held-out examples',
    'done      the node goes on serving what it has to others; Ctrl-C stops it',
  ]);
});

test('says once why a round was not published, and what went wrong', () => {
  const listener = new Listener();
  const skipped = (round: number, reason = 'training took too long'): RunEvent => ({
    source: 'protocol',
    event: { kind: 'skipped', round, reason },
  });
  listener.hear(0, skipped(3));
  listener.hear(1, skipped(4));
  for (const words of ['out of memory', 'out of memory again'])
    listener.hear(1, skipped(5, `the trainer ended (its last words: ${words})`));
  listener.hear(2, { source: 'protocol', event: { kind: 'joined', round: 20, donors: 3 } });
  listener.hear(3, {
    source: 'session',
    event: { kind: 'save-failed', path: '/m', reason: 'the disk is full' },
  });
  for (const reason of ['no room', 'no room still']) {
    listener.hear(9000, { source: 'session', event: { kind: 'snapshot-not-kept', reason } });
  }
  assert.deepEqual(listener.lines, [
    'skipped   round 3: training took too long (said once)',
    'skipped   round 5: the trainer ended (its last words: out of memory) (said once)',
    'joined    with a snapshot of round 20 that 3 peers vouch for',
    'trouble   the model could not be saved: the disk is full',
    'trouble   a snapshot is not kept for joiners on slow lines: no room (said once)',
  ]);
});

test('says in good words how it joined and whether it was left or stopped', () => {
  const listener = new Listener();
  for (const donors of [1, 0]) {
    listener.hear(donors, { source: 'protocol', event: { kind: 'joined', round: 6, donors } });
  }
  for (const isLeft of [true, false]) {
    listener.hear(9, { source: 'session', event: { kind: 'ended', failure: null, isLeft } });
  }
  assert.deepEqual(listener.lines, [
    'joined    with a snapshot of round 6 that 1 peer vouches for',
    'joined    by replaying what it had missed up to round 6',
    'left      run',
    'stopped   run',
  ]);
});

test('a run whose data is refused is no run: nothing is said of it', () => {
  const listener = new Listener();
  listener.hear(99_000, opened);
  const failure = 'clinic.csv: no numbers';
  listener.hear(99_100, { source: 'session', event: { kind: 'ended', failure, isLeft: false } });
  assert.deepEqual(listener.lines, []);
});

test('names the run where there are several, and says nothing of what concerns none', () => {
  const listener = new Listener();
  listener.hear(99_000, opened, 'one');
  listener.hear(
    99_000,
    { source: 'session', event: { kind: 'opened', facts: { ...facts, name: 'other' } } },
    'two',
  );
  for (const runId of ['one', 'two']) {
    listener.hear(99_200, { source: 'session', event: { kind: 'prepared', backend: 'WebAssembly' } }, runId);
  }
  listener.hear(99_500, running, 'two');
  assert.deepEqual(listener.lines, [
    '[demo] run       demo (one): 100 rounds of 0.5 s, the first in 1 s',
    '[demo] backend   WebAssembly',
    '[other] run       other (two): 100 rounds of 0.5 s, the first in 1 s',
    '[other] backend   WebAssembly',
    '[other] waiting   the first round begins in 1 s, 0 peers',
  ]);
  const nobody = { kind: 'no-bootstrap-answers', addresses: [], attempt: 1 } as const;
  assert.deepEqual(
    listener.narrator.hear({ source: 'network', event: nobody, atMs: 0, node: 'aa', runId: null }),
    [],
  );
});

test('a newcomer of an open run that was named nobody is told whose word it takes, once', () => {
  const joined: RunEvent = { source: 'protocol', event: { kind: 'joined', round: 20, donors: 3 } };
  const linesOf = (members: readonly string[] | null, trustsNobody: boolean): string[] => {
    const listener = new Listener({ trustsNobody });
    const event = { kind: 'opened' as const, facts: { ...facts, members } };
    for (const one of [{ source: 'session' as const, event }, joined, joined]) listener.hear(1000, one);
    return listener.lines.filter((line) => line.startsWith('trust'));
  };
  assert.deepEqual(linesOf(null, true), [
    'trust     the run is open, and this is the word of whom this node has met; --checkpoint names a place in its history, --trust KEY nodes to go by',
  ]);
  assert.deepEqual([...linesOf(null, false), ...linesOf(['aa'], true)], []);
});

test('a published file is asked of peers, and nobody is told to put it beside a manifest', () => {
  const wanted = (isPublished: boolean): RunEvent => ({
    source: 'session',
    event: { kind: 'file-wanted', name: 'digits@1.0', bytes: 1000, isPublished },
  });
  const listener = new Listener();
  listener.hear(0, opened);
  listener.hear(1, wanted(true));
  assert.deepEqual(listener.lines, ['file      peers are asked for digits@1.0, 1000 bytes']);
  listener.hear(2, wanted(false));
  assert.match(listener.lines.at(-1)!, /put it there as MANIFEST\.digits@1\.0/);
});
