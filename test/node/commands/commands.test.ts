/** The words in which a node answers its commands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE_COMMANDS } from '../../../src/node/commands/commands.ts';
import type { NodeControl } from '../../../src/node/commands/node-command.ts';
import type { RunView } from '../../../src/node/view/run-view.ts';
import { someView } from '../some-view.ts';

async function linesOf(id: string, fields: Partial<RunView>): Promise<readonly string[]> {
  const control = {
    views: () => [someView(fields)],
    summary: () => ({ peerKey: 'ab', peerId: 'p', addresses: [], content: null, bytesIn: 0, bytesOut: 0 }),
  } as unknown as NodeControl;
  const command = NODE_COMMANDS.find((entry) => entry.id === id)!;
  return (await command.perform(control, {})).lines;
}

test('status counts in good words, and says that no round is final yet', async () => {
  const early = await linesOf('status', { deltasPublished: 1, lag: 1 });
  assert.ok(early.includes('rounds    0 counted, none final yet, 1 delta published, 1 entry missing'));
  assert.ok(early.includes('peers     0 connected, 1 member here'));
  const back = await linesOf('status', { deltasPublished: 2, isBack: true });
  assert.ok(back.some((line) => line.includes('2 deltas published since it was started again, 0 entries')));
  const members = {
    known: 4,
    here: 1,
    linked: [],
    present: [],
    missing: ['bb', 'cc'],
    names: { bb: 'Ward 3' },
  };
  const later = await linesOf('status', { countedRounds: 7, finalisedRound: 9, members });
  assert.ok(later.includes('rounds    7 counted, final up to 9, 0 deltas published, 0 entries missing'));
  assert.ok(later.includes('peers     0 connected, 1 of 4 members here'));
  assert.ok(later.includes('missing   Ward 3, cc'));
});

test('the only run need not be named, one of several must be', async () => {
  const left: string[] = [];
  const leave = NODE_COMMANDS.find(({ id }) => id === 'leave')!;
  const of = (...views: readonly RunView[]): NodeControl =>
    ({
      views: () => views,
      leave: async (runId: string) => {
        left.push(runId);
        return false;
      },
    }) as unknown as NodeControl;
  const [one, two] = [someView({ runId: 'one' }), someView({ runId: 'two' })];
  await leave.perform(of(one), {});
  assert.deepEqual(left, ['one']);
  await assert.rejects(leave.perform(of(one, two), {}), {
    code: 'RUN_NOT_NAMED',
    message: 'this node has 2 runs: say which with --run: demo (one), demo (two)',
  });
  await assert.rejects(leave.perform(of(), {}), { code: 'NOT_JOINED' });
});

test('of a part of a log nothing is said: what is retired since may be in the rest', async (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => (nowMs += 10_000));
  const asked: string[] = [];
  let lacking: Partial<RunView> = { lag: 2 };
  const control = {
    views: () => [someView(lacking)],
    stateOf: (_run: string, kind: string) => {
      asked.push(kind);
      return null;
    },
  } as unknown as NodeControl;
  const given: Record<string, object> = {
    models: {},
    model: { model: 'digits' },
    pull: { model: 'digits', out: '/nowhere' },
    pin: { model: 'digits' },
    retire: { model: 'digits', reason: 'x' },
    feedback: { model: 'digits', rating: 3 },
  };
  for (const [fields, sentence] of [
    [{ lag: 2 }, /^this node lacks 2 entries of the log of run \w+, and what is missing may say otherwise/],
    [{ phase: 'joining', peers: 1 }, /^this node is still fetching the log of run \w+, /],
    [
      { phase: 'joining', peers: 0, slotMs: 15_000 },
      /^no peer is here .* while this node was away \(alone it goes on within 10 rounds, 3 min\), /,
    ],
  ] as const) {
    lacking = fields;
    for (const [id, input] of Object.entries(given)) {
      const command = NODE_COMMANDS.find((entry) => entry.id === id)!;
      await assert.rejects(
        command.perform(control, input),
        { code: 'LOG_INCOMPLETE', message: sentence },
        id,
      );
    }
  }
  assert.deepEqual(asked, []);
  // Nothing is lacking any more.
  lacking = {};
  const models = NODE_COMMANDS.find(({ id }) => id === 'models')!;
  await assert.rejects(models.perform(control, {}), { code: 'NO_BLOBS' });
});

test('a node that has just come says nothing of a log before somebody has told of it, or it has had the time to hear', async (t) => {
  const models = NODE_COMMANDS.find(({ id }) => id === 'models')!;
  const looksOf = async (...fields: readonly Partial<RunView>[]): Promise<number> => {
    let looks = 0;
    const control = {
      views: () => [someView(fields[Math.min(looks++, fields.length - 1)])],
      stateOf: () => null,
    } as unknown as NodeControl;
    await assert.rejects(models.perform(control, {}), { code: 'NO_BLOBS' });
    return looks;
  };
  const told = { agreement: { same: 1, other: 0 } };
  const alone = { startedAtMs: 0 };
  const linked = { startedAtMs: 0, peers: 1, agreement: { same: 0, other: 0 } };
  let nowMs = 0;
  t.mock.method(Date, 'now', () => nowMs);
  // Once to name the run, then until somebody has told.
  assert.equal(await looksOf(alone, alone, linked, { startedAtMs: 0, ...told }), 4);
  t.mock.method(Date, 'now', () => (nowMs += 3000));
  assert.equal(await looksOf(alone), 1 + 3);
  assert.equal(await looksOf(alone), 1 + 1);
});

test('data are checked for a run of the node by its name, as by its id', async () => {
  const asked: string[] = [];
  const control = {
    views: () => [someView({ runId: 'bafyone' })],
    check: async (run: string) => {
      asked.push(run);
      throw new Error('enough');
    },
  } as unknown as NodeControl;
  const check = NODE_COMMANDS.find(({ id }) => id === 'check')!;
  for (const run of ['demo', 'other'])
    await assert.rejects(check.perform(control, { run, data: '/d' }), /enough/);
  assert.deepEqual(asked, ['bafyone', 'other']);
});
