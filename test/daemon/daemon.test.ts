import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type * as z from 'zod';
import { rememberedAddresses } from '../../src/daemon/address-book.ts';
import { commandNode } from '../../src/daemon/connect.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { JoinedRuns } from '../../src/daemon/joined-runs.ts';
import { readLastView } from '../../src/daemon/last-view.ts';
import type { DaemonOptions, RunningDaemon } from '../../src/daemon/options.ts';
import { rngFor } from '../../src/math/rng.ts';
import { createRun, writeManifestFile } from '../../src/node/files/manifest-file.ts';
import type { entryPageSchema } from '../../src/node/view/held-entries.ts';
import type { HeldEntryInFull } from '../../src/node/view/held-entry.ts';
import { isDone, type RunView, runViewSchema } from '../../src/node/view/run-view.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import type { SignedManifest } from '../../src/run/manifest.ts';
import type { RunVectors } from '../../src/run/run-files.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { tableRun } from '../run/table-run.ts';

const directory = await mkdtemp(join(tmpdir(), 'starlings-daemon-'));
const at = (...names: string[]): string => join(directory, ...names);
after(() => rm(directory, { recursive: true, force: true }));
const never = new AbortController().signal;

/** A table of two features and a label that follows from them. */
function table(rows: number): string {
  const rng = rngFor('daemon test');
  return Array.from({ length: rows }, () => {
    const [a, b] = [rng.float(), rng.float()];
    return `${a},${b},${a > b ? 1 : 0}`;
  }).join('\n');
}

await writeFile(at('clinic.csv'), table(100));
await writeFile(at('narrow.csv'), '1,2\n3,4\n');

async function manifestOf(
  name: string,
  rounds = 1000,
  vectors: RunVectors = {},
): Promise<SignedManifest & { readonly file: string }> {
  const spec = tableRun(
    {
      name,
      strategy: {
        id: 'delta-log',
        windowRounds: 3,
        admitRounds: 1,
        codec: { chunk: 64, perChunk: 3 },
        snapshotRounds: 4,
      },
      rounds,
      slotMs: 200,
    },
    [0.5, 1],
    [0.5, 1],
  );
  const run = createRun(spec, Date.now() + 500, crypto, signerOf(9), vectors);
  const file = at(`${name}.manifest`);
  await writeManifestFile(file, run);
  return { ...run, file };
}

interface Told extends RunningDaemon {
  readonly sentences: string[];
  readonly home: string;
  stop(): Promise<void>;
}

async function daemon(name: string, options: Partial<DaemonOptions> = {}): Promise<Told> {
  const stopper = new AbortController();
  const sentences: string[] = [];
  const running = await startDaemon(
    {
      directory: at(name),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      bootstrap: [],
      logLevel: 'silent',
      httpPort: 0,
      runs: [],
      tell: (sentence) => sentences.push(sentence),
      ...options,
    },
    stopper.signal,
  );
  const stop = async (): Promise<void> => {
    stopper.abort();
    await running.closed;
  };
  after(() => stop().catch(() => {}));
  return { ...running, sentences, home: at(name), stop };
}

const taking = (run: string, data = at('clinic.csv')) => ({ run, data, backend: 'wasm' }) as const;

async function until<T>(what: string, look: () => Promise<T | null>, deadlineMs = 20_000): Promise<T> {
  const endMs = Date.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    assert.ok(Date.now() < endMs, `not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

async function views(node: Told): Promise<RunView[]> {
  const response = await fetch(`${node.info.http}/status`);
  const { runs } = (await response.json()) as { runs: unknown };
  return runViewSchema.array().parse(runs);
}

const command = (node: Told, id: string, input: Record<string, unknown> = {}) =>
  commandNode(node.home, id, input, never);

/** What else is read of a node that has trained for a few rounds and noted something. */
async function readsOf(http: string, runId: string): Promise<void> {
  const read = async (path: string) => (await fetch(`${http}${path}`)).json() as Promise<never>;
  const page = (query: string) =>
    read(`/runs/${runId}/entries?${query}`) as Promise<z.infer<typeof entryPageSchema>>;
  const first = await page('limit=1');
  assert.equal(first.entries.length, 1);
  const all: string[] = [];
  for (let after = '', pages = 0; pages < 100; pages++) {
    const { entries, next } = await page(`limit=2${after}`);
    all.push(...entries.map(({ kind, round, id }) => `${round} ${kind} ${id}`));
    if (next === null) break;
    after = `&after=${next}`;
  }
  assert.equal(new Set(all).size, all.length, 'no entry comes twice');
  assert.ok(all.some((entry) => entry.includes(' delta ')) && all.some((entry) => entry.includes(' note ')));
  const rounds = all.map((entry) => Number(entry.split(' ')[0]));
  assert.deepEqual(
    rounds,
    rounds.toSorted((a, b) => a - b),
  );
  const { entries: later } = await page(`from=${rounds.at(-1)}`);
  assert.ok(later.length > 0 && later.every(({ round }) => round >= rounds.at(-1)!));
  const [{ id, round, author }] = first.entries as [(typeof first.entries)[0]];
  const entry: HeldEntryInFull = await read(`/runs/${runId}/entry?round=${round}&id=${id}`);
  const header = Buffer.from(entry.header, 'base64');
  assert.deepEqual([entry.author, entry.round, entry.isSigned], [author, round, true]);
  assert.equal(Buffer.from(crypto.sha256(header)).toString('hex'), id);
  assert.ok(crypto.verify(author, Buffer.from(entry.signature, 'base64'), header));
  const { name }: { name: string } = await read(`/runs/${runId}/manifest`);
  assert.equal(name, 'joined');
  const { points }: { points: Array<{ loss: number | null }> } = await read(`/runs/${runId}/history`);
  assert.ok(points.length >= 2 && points.some(({ loss }) => loss !== null));
  const { version, limits }: { version: string; limits: object } = await read('/config');
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.ok('runsMax' in limits);
  assert.deepEqual(await read('/peers'), []);
}

describe('a daemon', { concurrency: 2 }, () => {
  test('its API: who may read, who may command, and what is refused', async () => {
    const node = await daemon('api');
    const { http } = node.info;
    const token = (await readFile(join(node.home, 'control.token'), 'utf8')).trim();
    assert.equal((await stat(join(node.home, 'control.token'))).mode & 0o777, 0o600);
    assert.match(token, /^[0-9a-f]{64}$/);
    const post = (path: string, headers: Record<string, string>, body = '{}') =>
      fetch(`${http}${path}`, { method: 'POST', headers, body });
    const ours = { 'x-starlings': 'command', authorization: `Bearer ${token}` };

    assert.deepEqual(await views(node), []);
    const answers: readonly [Promise<Response>, status: number, says: RegExp][] = [
      [fetch(`${http}/nowhere`), 404, /GET \/status.*POST \/join/],
      [fetch(`${http}/runs/bafy/status`), 404, /takes no part in run bafy/],
      [fetch(`${http}/status`, { method: 'PUT' }), 405, /GET or POST/],
      [post('/stop', { authorization: `Bearer ${token}` }), 403, /needs the header X-Starlings/],
      [post('/stop', { 'x-starlings': 'stop' }), 401, /need the token/],
      [post('/stop', { ...ours, authorization: `Bearer ${'0'.repeat(64)}` }), 401, /need the token/],
      [post('/dance', ours), 404, /there is no command dance; there are join, check, leave/],
      [post('/list', ours, '{'), 400, /expected JSON of at most/],
      [post('/list', ours, `"${'x'.repeat(64 << 10)}"`), 400, /expected JSON of at most/],
      [post('/list', ours, '{"more": 1}'), 400, /more/],
      [post('/join', ours, '{"run": 1}'), 400, /run/],
      [post('/leave', ours, '{"run": "mnist"}'), 422, /takes no part in a run mnist; it has none/],
      [post('/list', ours), 200, /no runs; join one with/],
    ];
    for (const [answer, status, says] of answers) {
      const response = await answer;
      assert.equal(response.status, status);
      assert.match(await response.text(), says);
    }
    // fetch does not let a script choose this header.
    const elsewhere = await new Promise<number>((resolve, reject) => {
      request(`${http}/status`, { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .once('error', reject)
        .end();
    });
    assert.equal(elsewhere, 403);

    assert.deepEqual((await command(node, 'stop')).lines, ['stopping']);
    await node.closed;
    assert.deepEqual(
      (await readdir(node.home)).filter((name) => /control\.token|daemon\.json/.test(name)),
      [],
    );
    await assert.rejects(command(node, 'list'), { code: 'NO_NODE' });
  });

  test('joins a run while it runs, remembers it, takes it up again, and leaves it', async () => {
    const run = await manifestOf('joined');
    const node = await daemon('joining');
    const { lines } = await command(node, 'join', taking(run.file));
    assert.equal(lines[0], `joined    joined (${run.runId})`);
    await assert.rejects(command(node, 'join', taking(run.file)), { code: 'ALREADY_JOINED' });
    await until('it trains', async () => ((await views(node))[0]!.deltasPublished >= 2 ? true : null));
    const metrics = await (await fetch(`${node.info.http}/metrics`)).text();
    assert.match(metrics, new RegExp(`^starlings_deltas_published_total\\{run="${run.runId}"\\} \\d+$`, 'm'));
    assert.match((await command(node, 'list')).lines[0]!, /^bafy\S+ {2}joined {2}training, round \d+\/1000$/);
    const { lines: status } = await command(node, 'status', { run: 'joined' });
    assert.ok(status.some((line) => line.startsWith('peers     0 connected, 1 member here')));
    const evaluated = await command(node, 'evaluate', { run: run.runId.slice(0, 20) });
    assert.equal(evaluated['examples'], 20, 'every fifth row is held out');
    assert.ok(Number(evaluated['accuracy']) >= 0 && Number(evaluated['accuracy']) <= 1);
    const noted = await command(node, 'note', { run: 'joined', text: 'disks are moved at noon' });
    assert.match(noted.lines[0]!, /^published [0-9a-f]{64}$/);
    await assert.rejects(command(node, 'note', { run: 'joined', text: '\u001b[2J' }), {
      code: 'NOT_PUBLISHED',
      message: /a note is one line of text/,
    });
    await readsOf(node.info.http!, run.runId);
    const published = (await views(node))[0]!.finalisedRound;
    await node.stop();
    const remembered = (await JoinedRuns.read(node.home)).all();
    assert.deepEqual(remembered, [{ run: run.runId, data: at('clinic.csv'), backend: 'wasm' }]);

    // The manifest file is not needed any more: the node keeps its own.
    await rm(run.file);
    const again = await daemon('joining');
    const [view] = await views(again);
    assert.deepEqual([view!.runId, view!.state], [run.runId, 'running']);
    await until('it goes on where it was', async () =>
      (await views(again))[0]!.finalisedRound > published ? true : null,
    );
    assert.deepEqual((await command(again, 'leave', { run: 'joined' })).lines, [
      `left      joined (${run.runId})`,
    ]);
    assert.deepEqual(await views(again), []);
    await again.stop();
    assert.deepEqual((await JoinedRuns.read(node.home)).all(), []);
  });

  test('pauses a run over a restart, shows it as it stood, and goes on with it', async () => {
    const run = await manifestOf('pausable');
    const node = await daemon('pausing');
    await command(node, 'join', taking(run.file));
    await until('it trains', async () => ((await views(node))[0]!.deltasPublished >= 2 ? true : null));
    assert.deepEqual((await command(node, 'pause')).lines, [`paused    pausable (${run.runId})`]);
    const [paused] = await views(node);
    assert.equal(paused!.state, 'paused');
    assert.match((await command(node, 'list')).lines[0]!, /pausable {2}paused, round \d+\/1000$/);
    assert.equal((await fetch(`${node.info.http}/ready`)).status, 200);
    await assert.rejects(command(node, 'pause'), { code: 'NOT_RUNNING' });
    // Joining it anew with data that do not fit leaves it as it was.
    await assert.rejects(command(node, 'join', taking(run.file, at('narrow.csv'))), /narrow\.csv/);
    assert.deepEqual(
      (await views(node)).map(({ state }) => state),
      ['paused'],
    );
    await node.stop();

    const again = await daemon('pausing');
    const [held] = await views(again);
    assert.deepEqual([held!.state, held!.run?.name], ['paused', 'pausable']);
    assert.ok(held!.deltasPublished >= paused!.deltasPublished);
    assert.match((await command(again, 'resume')).lines[0]!, /^resumed {3}pausable/);
    await until('it goes on', async () =>
      (await views(again))[0]!.roundsDone > paused!.roundsDone ? true : null,
    );
    await assert.rejects(command(again, 'resume'), { code: 'NOT_PAUSED' });
    await command(again, 'pause');
    await command(again, 'leave');
    assert.deepEqual(await views(again), []);
    await again.stop();
    assert.deepEqual((await JoinedRuns.read(again.home)).all(), []);
  });

  test('joins by an invitation: a run id and addresses of who holds it, none of which it knew', async () => {
    const run = await manifestOf('invited');
    const [host, guest] = [await daemon('host', { runs: [taking(run.file)] }), await daemon('guest')];
    const invited = { ...taking(run.runId), bootstrap: host.info.addresses };
    await assert.rejects(command(guest, 'join', { ...invited, bootstrap: ['/ip4/127.0.0.1/tcp/1'] }), {
      message: /does not end in \/p2p\/<peer id>/,
    });
    await assert.rejects(
      command(guest, 'join', { ...invited, bootstrap: ['nonsense'] }),
      /is not a multiaddr/,
    );
    assert.deepEqual(await views(guest), []);
    await command(guest, 'join', invited);
    await until('they meet', async () => {
      const [view] = await views(guest);
      return view?.run?.name === 'invited' && view.peers === 1 ? true : null;
    });
  });

  test('data that do not fit: one sentence, nothing remembered, the node goes on', async () => {
    const run = await manifestOf('refused');
    const node = await daemon('refusing');
    await assert.rejects(command(node, 'join', taking(run.file, at('narrow.csv'))), {
      name: 'CommandRefusedError',
      message: /narrow\.csv.*column/,
    });
    await assert.rejects(command(node, 'join', taking('bafynonsense')), {
      code: 'NO_SUCH_RUN',
      message: /bafynonsense looks like a run id and is none \(it has 12 characters, a run id has 59\)/,
    });
    await assert.rejects(command(node, 'join', taking(run.file, at('nowhere.csv'))), /nowhere\.csv/);
    const { lines, ...checked } = await command(node, 'check', { run: run.file, data: at('narrow.csv') });
    assert.equal(checked['ok'], false);
    assert.match(lines.join('\n'), /^data .*\nrefused {3}.*column/);
    const fits = await command(node, 'check', { run: run.file, data: at('clinic.csv') });
    assert.deepEqual(fits.lines, [
      'data      1 file: 80 to learn from, 20 held out',
      'fits      a node of this run takes all of it',
    ]);
    assert.doesNotMatch(JSON.stringify(fits), /0\.\d{3}/, 'no row of it is told');
    const { runId: elsewhere } = await manifestOf('elsewhere');
    await assert.rejects(command(node, 'check', { run: elsewhere, data: at('clinic.csv') }), {
      code: 'NO_MANIFEST',
    });
    const missing = await command(node, 'check', { run: run.file, data: at('nowhere.csv') });
    assert.equal(missing['ok'], false);
    assert.match(missing.lines.join('\n'), /refused {3}.*nowhere\.csv/);
    assert.deepEqual(await views(node), []);
    assert.match((await command(node, 'list')).lines[0]!, /^no runs/);
    assert.deepEqual((await JoinedRuns.read(node.home)).all(), []);
    assert.match((await command(node, 'join', taking(run.file))).lines[0]!, /^joined/);
    assert.deepEqual(
      (await views(node)).map(({ state }) => state),
      ['running'],
    );
  });

  test('that waits for a file of its run serves its API meanwhile, and ends when it is told to', async () => {
    // The manifest is written without the file that it names.
    const run = await manifestOf('fileless', 1000, { start: new Float32Array(6).fill(0.25) });
    const wanted = Promise.withResolvers<void>();
    const node = await daemon('fileless', {
      runs: [taking(run.file)],
      listener: ({ event }) => event.kind === 'file-wanted' && wanted.resolve(),
    });
    await wanted.promise;
    assert.deepEqual(
      (await views(node)).map(({ run, state }) => [run?.name, state]),
      [['fileless', 'preparing']],
    );
    assert.match((await command(node, 'stop')).lines[0]!, /stop/);
    await node.closed;
    assert.ok(!existsSync(at('fileless', 'daemon.json')));
  });

  test('a node that is refused leaves nothing behind where there was nothing, and all where there was something', async () => {
    const run = await manifestOf('unborn');
    const refused = (home: string): Promise<unknown> =>
      assert.rejects(daemon(home, { runs: [taking(run.file, at('narrow.csv'))] }), /narrow\.csv/);
    await refused('unborn');
    assert.equal(existsSync(at('unborn')), false);
    await mkdir(at('empty'));
    await refused('empty');
    assert.deepEqual(await readdir(at('empty')), []);
    const born = await daemon('born');
    await born.stop();
    const before = await readFile(at('born', 'key'));
    await refused('born');
    assert.deepEqual(await readFile(at('born', 'key')), before);
  });

  test('a declared run that cannot be is left out with a sentence, and ends the node where it is the only one', async () => {
    const [good, bad] = [await manifestOf('good'), await manifestOf('bad')];
    const node = await daemon('both', { runs: [taking(bad.file, at('narrow.csv')), taking(good.file)] });
    assert.equal(node.sentences.length, 1);
    assert.match(node.sentences[0]!, /^run .*bad\.manifest is left out: .*narrow\.csv/);
    const states = (await views(node)).map(({ run, state }) => [run?.name, state]);
    assert.deepEqual(states, [
      ['good', 'running'],
      ['bad', 'ended'],
    ]);
    const health = await fetch(`${node.info.http}/health`);
    assert.equal(health.status, 503);
    assert.match(await health.text(), /"healthy":false.*"reason":"run bad cannot go on: .*narrow\.csv/);
    await assert.rejects(daemon('alone', { runs: [taking(bad.file, at('narrow.csv'))] }), /narrow\.csv/);
    assert.equal(existsSync(at('alone')), false);
    await assert.rejects(daemon('both'), {
      message: /is in use by another node; stop it or give this one its own --dir/,
    });
    assert.equal((await views(node)).length, 2, 'the first is still there to be found and commanded');
    assert.match((await command(node, 'list')).lines.join('\n'), /good/);
    const left = await command(node, 'leave', { run: 'good' });
    assert.match(
      left.lines.join('\n'),
      /^left {6}good .*\nit is among the runs that the node is started with/,
    );
  });

  test('at the end of a run its store is compacted, and how it ended is there when the node is down', async () => {
    const run = await manifestOf('ending', 4);
    // On a busy machine its time is over before the node is ready.
    const node = await daemon('ending', { runs: [{ ...taking(run.file), evenIfOver: true }] });
    const view = await until('it is done', async () => {
      const [now] = await views(node);
      return isDone(now!) ? now! : null;
    });
    // What was written since the store was opened is in LevelDB's log alone, until something has it merged.
    await until('it is compacted', async () =>
      (await readdir(at('ending', 'store'))).some((name) => name.endsWith('.ldb')) ? true : null,
    );
    await node.stop();
    const last = readLastView(at('ending'), run.runId)!;
    assert.deepEqual([last.state, last.phase, last.outcome], ['ended', 'finished', 'alone']);
    assert.deepEqual([last.modelHash, last.accuracy], [view.modelHash, view.accuracy]);
  });

  test('keeps snapshots in its directory, says how much, and does without where it cannot', async () => {
    const run = await manifestOf('kept');
    const node = await daemon('keeping', { runs: [taking(run.file)], contentBytesMax: 100_000 });
    const view = await until('three snapshots are kept', async () => {
      const [now] = await views(node);
      return now!.contentBytes >= 3 * 4096 ? now! : null;
    });
    assert.equal(view.contentBytesMax, 100_000);
    assert.ok((await readdir(at('keeping', 'content'))).every((name) => /^[0-9a-f]{64}$/.test(name)));
    const { lines, ...json } = await command(node, 'status');
    assert.match(lines.join('\n'), /\ncontent {3}0\.0 of 0\.1 MB in \d+ snapshots? kept\n/);
    assert.match(
      JSON.stringify(json),
      /"content":\{"blobs":\d+,"bytes":\d+,"pinnedBytes":\d+,"bytesMax":100000\}/,
    );

    await mkdir(at('not-keeping'));
    await writeFile(at('not-keeping', 'content'), 'a file');
    const other = await daemon('not-keeping', { runs: [taking(run.file)], contentBytesMax: 100_000 });
    assert.match(
      other.sentences[0]!,
      /^no snapshots are kept for joiners on slow lines: .*content cannot be used/,
    );
    assert.equal((await views(other))[0]!.contentBytesMax, 0);
    assert.ok(!(await command(other, 'status')).lines.some((line) => line.startsWith('content')));
  });

  test('on a full disk a node goes on without its log, and says so once', {
    skip: !existsSync('/dev/full'),
  }, async () => {
    const run = await manifestOf('full-disk');
    await mkdir(at('full'));
    await symlink('/dev/full', at('full', 'log.jsonl'));
    const node = await daemon('full', { logLevel: 'debug', runs: [taking(run.file)] });
    await until('it trains', async () => ((await views(node))[0]!.deltasPublished >= 2 ? true : null));
    assert.equal(node.sentences.length, 1);
    assert.match(
      node.sentences[0]!,
      /^\S+log\.jsonl cannot be written \(ENOSPC.*\): the node goes on without its log$/,
    );
    await node.stop();
  });

  test('whoever watches gets the views and then every event', async () => {
    const run = await manifestOf('watched');
    const node = await daemon('watching', { runs: [taking(run.file)] });
    const stopper = new AbortController();
    const response = await fetch(`${node.info.http}/events`, { signal: stopper.signal });
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    let text = '';
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString('utf8');
      if (text.includes('"kind":"published"')) break;
    }
    const messages = text.split('\n\n').filter((message) => message.startsWith('event: '));
    assert.match(messages[0]!, /^event: runs\ndata: \[\{"runId":"bafy/);
    const event = JSON.parse(
      messages.find((message) => message.includes('"published"'))!.split('\ndata: ')[1]!,
    );
    assert.deepEqual([event.source, event.runId, event.node], ['protocol', run.runId, node.info.peerKey]);
  });

  test('with the token there is always a place to watch from', async () => {
    const node = await daemon('crowded');
    const token = (await readFile(join(node.home, 'control.token'), 'utf8')).trim();
    const stopper = new AbortController();
    // An answer that nobody holds is collected with its connection, and its place is free again.
    const held: Response[] = [];
    const watch = async (headers: Record<string, string> = {}): Promise<Response> => {
      const response = await fetch(`${node.info.http}/events`, { headers, signal: stopper.signal });
      held.push(response);
      return response;
    };
    const owner = { authorization: `Bearer ${token}` };
    for (let place = 0; place < 16; place++) assert.equal((await watch()).status, 200);
    assert.equal((await watch()).status, 503);
    assert.equal((await watch({ authorization: `Bearer ${'0'.repeat(64)}` })).status, 503);
    for (let place = 0; place < 16; place++) assert.equal((await watch(owner)).status, 200);
    assert.equal((await watch(owner)).status, 503, 'the owner has them all');
    assert.equal(held.length, 35);
    stopper.abort();
  });

  test('links in its directory are not followed, and what is left of a node that died stops nobody', async () => {
    await writeFile(at('precious'), 'precious');
    for (const [name, target] of [
      ['log.jsonl', at('precious')],
      ['log.jsonl', at('not-there')],
      ['key', at('precious')],
      ['store', directory],
      ['runs', directory],
    ] as const) {
      const home = at('linked');
      await mkdir(home);
      await symlink(target, join(home, name));
      await assert.rejects(daemon('linked'), /is a link, and a node follows none within its directory/);
      await rm(home, { recursive: true });
    }
    assert.equal(await readFile(at('precious'), 'utf8'), 'precious');
    assert.ok(!existsSync(at('not-there')));

    await mkdir(at('died'));
    await writeFile(
      at('died', 'daemon.json'),
      JSON.stringify({ pid: process.pid, http: 'http://127.0.0.1:1' }),
    );
    await symlink(at('precious'), at('died', 'control.token'));
    await symlink(at('precious'), at('died', 'peers.json'));
    const node = await daemon('died');
    assert.equal(JSON.parse(await readFile(at('died', 'daemon.json'), 'utf8')).http, node.info.http);
    assert.equal(await readFile(at('precious'), 'utf8'), 'precious');
  });

  test('a bad line among remembered addresses is left out, a damaged store is named with what to do', async () => {
    await mkdir(at('lines'));
    const good = `/ip4/127.0.0.1/tcp/9/p2p/12D3KooWQvb5XKLHVVRQMbmxXqmJHnKaZd7QcT5xbEy5zmGRGUzh`;
    await writeFile(at('lines', 'peers.json'), JSON.stringify(['nonsense', '/ip4/1/tcp/x', good]));
    assert.deepEqual(await rememberedAddresses(at('lines')), [good]);
    await (await daemon('lines')).stop();
    for (const current of ['MANIFEST-999999\n', 'nonsense']) {
      await writeFile(at('lines', 'store', 'CURRENT'), current);
      await assert.rejects(daemon('lines'), /lines\/store is damaged .*: move it away and start again/);
    }
  });

  test('a directory of the time when it belonged to one run is taken over', async () => {
    const run = await manifestOf('earlier', 12);
    const before = await daemon('earlier', { runs: [{ ...taking(run.file), evenIfOver: true }] });
    await until('it is finished', async () => ((await views(before))[0]!.modelPath ? true : null), 40_000);
    const { modelHash } = (await views(before))[0]!;
    await before.stop();
    // As it was: keys without a prefix, manifest and model at the top.
    const prefix = `run/${run.runId}/`;
    const store = await openLevelStore(join(before.home, 'store'));
    let keys = 0;
    for await (const [key, value] of store.entries(prefix)) {
      keys += 1;
      const writes = [
        { key: key.slice(prefix.length), value },
        { key, value: null },
      ];
      await store.commit(writes, { durable: true });
    }
    await store.close();
    assert.ok(keys > 0);
    const folder = join(before.home, 'runs', run.runId);
    for (const name of ['run.manifest', 'model.safetensors']) {
      await writeFile(join(before.home, name), await readFile(join(folder, name)));
    }
    await rm(join(before.home, 'runs'), { recursive: true });

    const after = await daemon('earlier', { runs: [taking(run.runId)] });
    assert.deepEqual(after.sentences, [
      `moved what ${after.home} held of run ${run.runId} to ${after.home}/runs/${run.runId}`,
    ]);
    const view = await until('it is finished again', async () => {
      const [now] = await views(after);
      return now?.phase === 'finished' ? now : null;
    });
    assert.equal(view.modelHash, modelHash);
    assert.ok(!(await readdir(after.home)).includes('run.manifest'));
    assert.ok((await readdir(folder)).includes('model.safetensors'));
    await after.stop();
    const once = await daemon('earlier', { runs: [taking(run.runId)] });
    assert.deepEqual(once.sentences, []);
  });

  test('a file of remembered runs that is none is refused with a sentence', async () => {
    await mkdir(at('damaged'));
    await writeFile(at('damaged', 'node.json'), '{"version": 2}');
    await assert.rejects(daemon('damaged'), { code: 'BAD_NODE_STATE', message: /node\.json .*move it away/ });
  });
});
