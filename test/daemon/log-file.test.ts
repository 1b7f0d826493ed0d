import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pino from 'pino';
import { EventLog } from '../../src/daemon/event-log.ts';
import { openLogFile } from '../../src/daemon/log-file.ts';
import { RefusalTally } from '../../src/daemon/refusal-tally.ts';
import { EventGate } from '../../src/network/conduct/event-gate.ts';
import type { NodeEvent, RunSample } from '../../src/node/events.ts';
import { someSample } from '../node/some-run.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-log-'));
after(() => rm(directory, { recursive: true, force: true }));

test('a log of any length takes the room of two files, and the newest lines are in it', async () => {
  const [file, older] = [join(directory, 'log.jsonl'), join(directory, 'log.1.jsonl')];
  const options = { file, older, onLost: assert.fail, bytesMax: 10_000 };
  for (const session of [0, 1]) {
    const log = openLogFile(options);
    const logger = pino({ base: null }, log.destination);
    for (let line = 0; line < 1_000; line++) logger.info({ session, line }, 'said');
    log.close();
  }
  assert.deepEqual((await readdir(directory)).sort(), ['log.1.jsonl', 'log.jsonl']);
  for (const name of [file, older]) assert.ok((await stat(name)).size < 10_100);
  const lines = `${await readFile(older, 'utf8')}${await readFile(file, 'utf8')}`.trim().split('\n');
  const numbers = lines.map((line) => (JSON.parse(line) as { line: number }).line);
  assert.equal(numbers.at(-1), 999);
  assert.deepEqual(
    numbers,
    Array.from(numbers, (_, index) => 1_000 - numbers.length + index),
    'none is lost',
  );
});

test('refusals are told by peer and reason, a bounded number of them', () => {
  const tally = new RefusalTally();
  assert.equal(tally.take(), null);
  for (let time = 0; time < 1_000; time++) {
    for (const from of ['a', 'b'])
      tally.note({ runId: 'r', event: { kind: 'refused', reason: 'malformed', from } });
  }
  tally.note({ runId: 'r', event: { kind: 'request-refused', peer: 'a', reason: 'busy' } });
  tally.note({ runId: 'r', event: { kind: 'peer-up', peer: 'a' } });
  assert.deepEqual(tally.take(), {
    refused: [
      { runId: 'r', peer: 'a', reason: 'malformed', count: 1_000 },
      { runId: 'r', peer: 'b', reason: 'malformed', count: 1_000 },
      { runId: 'r', peer: 'a', reason: 'busy', count: 1 },
    ],
    others: 0,
  });
  for (let peer = 0; peer < 1_000; peer++)
    tally.note({
      runId: 'r',
      event: { kind: 'request-refused', peer: `${peer}`, reason: 'x'.repeat(9_999) },
    });
  const { refused, others } = tally.take()!;
  assert.deepEqual([refused.length, others], [64, 936]);
  assert.ok(JSON.stringify(refused).length < 20_000);
  assert.equal(tally.take(), null);
});

function sampleOf(phase: 'training' | 'finished', round: number): RunSample {
  const core = { phase, round, finalisedRound: round - 6, lastTrained: { round, loss: 0.5 } };
  return someSample(core, { bytesIn: 100 * round, bytesOut: 90 * round });
}

test('how a run stood in each of its rounds is in the log, in short, for reports to draw', () => {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = new EventLog(pino({ base: null, level: 'info' }, destination));
  for (let atMs = 0; atMs < 60_000; atMs += 500) {
    log.write({
      runId: 'r',
      atMs,
      event: { kind: 'sampled', sample: sampleOf('training', Math.floor(atMs / 2000)) },
    });
  }
  assert.equal(lines.length, 30);
  assert.deepEqual(lines[7]!['sample'], {
    core: { phase: 'training', round: 7, finalisedRound: 1, lag: 0, lastTrained: { round: 7, loss: 0.5 } },
    ...{ bytesIn: 700, bytesOut: 630 },
  });
  for (let atMs = 0; atMs < 60_000; atMs += 50) {
    log.write({ runId: 'fast', atMs, event: { kind: 'sampled', sample: sampleOf('training', atMs / 50) } });
  }
  assert.equal(lines.length, 30 + 60, 'rounds faster than a second are not all told');
});

test('what a node goes on doing after the end of its run fills no log', () => {
  const lines = { info: 0, debug: 0 };
  const destination = {
    write(line: string) {
      lines[(JSON.parse(line) as { level: number }).level >= 30 ? 'info' : 'debug'] += 1;
    },
  };
  const log = new EventLog(pino({ base: null, level: 'debug' }, destination));
  const gate = new EventGate();
  const minutes = 60;
  for (let atMs = 0; atMs < minutes * 60_000; atMs += 100) {
    const write = (event: NodeEvent['event']): void => log.write({ runId: 'r', atMs, event });
    // Ten questions a second, searches while a peer is missing, and a view that is drawn twice a second.
    const questions = gate.pass({ kind: 'request-served', peer: 'p', bytes: 41, ms: 1 }, atMs);
    for (const event of questions) write(event);
    if (atMs % 12_000 === 0) write({ kind: 'providers-found', providers: atMs < 600_000 ? 1 : 2 });
    if (atMs % 60_000 === 0) write({ kind: 'provided', holders: 2 });
    if (atMs % 500 === 0) write({ kind: 'sampled', sample: sampleOf('finished', Math.floor(atMs / 500)) });
  }
  assert.equal(lines.info, 3, 'what is new, and that once');
  assert.ok(lines.debug < 265 * minutes, `${lines.debug} lines in an hour`);
});
