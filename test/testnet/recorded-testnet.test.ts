/** What directories of nodes tell when no node runs any more. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { recordOf } from '../../src/testnet/recorded-testnet.ts';
import { someView } from '../node/some-view.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-record-'));
after(() => rm(directory, { recursive: true, force: true }));

const sampleIn = (round: number) => ({
  core: { phase: 'training', round, finalisedRound: -1, lag: 0, lastTrained: { round, loss: 2 - round } },
  ...{ bytesIn: 5, bytesOut: 10 + round },
});

const time = '2026-01-01T00:00:00.000Z';
const lines = [
  { time, runId: 'run', kind: 'published', round: 0, bodyBytes: 9, loss: 2 },
  { time, runId: 'run', kind: 'published', round: 1, bodyBytes: 9, loss: 1 },
  ...[0, 1].map((round) => ({ time, runId: 'run', kind: 'sampled', sample: sampleIn(round) })),
  { time, runId: 'run', kind: 'sampled' },
  { time, runId: 'run', kind: 'evaluated', round: 0, accuracy: 0.25, loss: 1.75, measures: null },
  { time, runId: 'run', kind: 'evaluated', round: 1, accuracy: 0.5, loss: 1.5, examples: 10 },
  { time, runId: 'run', kind: 'finalised', round: 0, entries: 2, root: 'ee' },
  { time, runId: 'run', kind: 'save-failed', path: '/m', reason: 'disk full' },
  { time, runId: 'run', kind: 'of another version' },
  // Of another version as well: it lacks what it says.
  { time, runId: 'run', kind: 'diverging', round: 1 },
  { time: 'yesterday', kind: 'searching' },
].map((line) => JSON.stringify(line));

async function nodeIn(folder: string, peerKey: string): Promise<void> {
  await mkdir(join(folder, 'runs', 'run'), { recursive: true });
  const view = someView({ peerKey, finalisedRound: 1, bytesOut: 77, accuracy: 0.75, outcome: 'trained' });
  await writeFile(join(folder, 'runs', 'run', 'status.json'), JSON.stringify(view));
  await writeFile(join(folder, 'log.1.jsonl'), `${lines[0]}\n`);
  await writeFile(join(folder, 'log.jsonl'), `${lines.slice(1).join('\n')}\nno JSON\n{"time":`);
}

test('a report is made of how runs stood last and of what the logs say', async () => {
  for (const index of [0, 1]) await nodeIn(join(directory, `node-0${index}`), `a${index}`.repeat(32));
  const members = [0, 1].map((index) => ({
    ...{ name: `node-0${index}`, role: 'node', directory: join(directory, `node-0${index}`) },
    ...{ pid: 1, startTime: null },
  }));
  await writeFile(
    join(directory, 'testnet.json'),
    JSON.stringify({
      ...{ version: 1, runId: 'run', name: 'demo', createdAtMs: 0, startAtMs: 0, rounds: 2, slotMs: 1 },
      ...{ windowRounds: 1, members },
    }),
  );
  const { nodes, events } = await recordOf(directory);
  assert.deepEqual(
    nodes.map(({ name, isUp }) => [name, isUp]),
    [
      ['node-00', false],
      ['node-01', false],
    ],
  );
  const { history } = nodes[0]!.runs[0]!;
  assert.deepEqual(
    history.points.map(({ round, loss, accuracy, bytesOut }) => [round, loss, accuracy, bytesOut]),
    [
      [0, 2, null, 10],
      [1, 1, 0.75, 77],
    ],
  );
  assert.deepEqual(history.heads, [{ round: 0, root: 'ee', entries: 2 }]);
  assert.ok(events.some(({ node, text }) => node === 'node-01' && text.includes('disk full')));
  const named = members.map((member, at) => ({ ...member, data: `/data/${['north', 'south'][at]}.csv` }));
  const state = JSON.parse(await readFile(join(directory, 'testnet.json'), 'utf8')) as object;
  await writeFile(join(directory, 'testnet.json'), JSON.stringify({ ...state, members: named }));
  assert.deepEqual(
    (await recordOf(directory)).nodes.map(({ name }) => name),
    ['node-00 north', 'node-01 south'],
  );
  const one = await recordOf(join(directory, 'node-01'));
  assert.deepEqual(
    one.nodes.map(({ name }) => name),
    ['node-01'],
  );
  await assert.rejects(recordOf(join(directory, 'nowhere')), { code: 'UNKNOWN_RUN' });
});
