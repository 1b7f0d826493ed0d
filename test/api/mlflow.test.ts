/** Figures told to a tracking server: what it is sent, what happens where it is away, and a real one where there is one. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openMlflow } from '../../src/api/mlflow.ts';
import { type MlflowPass, mlflowPass } from '../../src/api/mlflow-client.ts';
import type { RunDescription, Scalar } from '../../src/api/settled-figures.ts';

const token = 'a-token-that-nobody-may-read';
const pass = mlflowPass({ MLFLOW_TRACKING_TOKEN: token })!;
const description: RunDescription = {
  ...{ runId: 'bafyrun', name: 'heart', method: 'delta-log', parameters: 14, rounds: 9, slotMs: 500 },
  outcome: null,
};
const scalar = (fields: Partial<Scalar> = {}): Scalar => ({
  ...{ node: 'node-00', runId: 'bafyrun', round: 1, figure: 'loss', tag: 'training/loss', value: 0.5 },
  ...{ atMs: 1_700_000_000_000 },
  ...fields,
});

interface Asked {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly authorization: string | undefined;
}

type Reply = readonly [status: number, body: unknown];

/** What a server answers that has everything. */
function usual({ path }: Asked): Reply {
  if (path.startsWith('experiments/get-by-name')) {
    return [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'none' }];
  }
  if (path === 'experiments/create') return [200, { experiment_id: '7' }];
  if (path === 'runs/create') return [200, { run: { info: { run_id: 'r1' } } }];
  return [200, {}];
}

async function serverThat(answer: (asked: Asked) => Reply | null) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void textOf(request).then((text) => {
      const one = {
        path: request.url!.replace('/api/2.0/mlflow/', ''),
        body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
        authorization: request.headers.authorization,
      };
      asked.push(one);
      const reply = answer(one);
      if (reply === null) request.socket.destroy();
      else response.writeHead(reply[0], { 'content-type': 'application/json' }).end(JSON.stringify(reply[1]));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function until(what: string, is: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!is()) {
    assert.ok(performance.now() < deadline, `not within 10 s: ${what}`);
    await delay(10);
  }
}

const batches = (asked: readonly Asked[]) => asked.filter(({ path }) => path === 'runs/log-batch');
const metricsOf = (asked: readonly Asked[]) =>
  batches(asked).flatMap(
    ({ body }) => body['metrics'] as Array<{ key: string; value: number; step: number }>,
  );

describe('MLflow', () => {
  test('is told what the run is, the figures of each round, and what came of it', async () => {
    const { asked, url } = await serverThat(usual);
    const said: string[] = [];
    const sink = openMlflow({ url, pass, tell: (line) => said.push(line) });
    sink.describe!({ node: 'node-00', runId: 'bafyrun' }, description);
    for (let round = 0; round < 3; round++) sink.write(scalar({ round }));
    sink.write(scalar({ tag: 'held_out/AUC <b>', value: Number.NaN }));
    sink.write(scalar({ tag: 'held_out/AUC <b>', value: 0.75 }));
    await until('figures', () => metricsOf(asked).length === 4);
    sink.describe!({ node: 'node-00', runId: 'bafyrun' }, { ...description, outcome: 'trained' });
    await sink.close();
    assert.deepEqual(metricsOf(asked)[3], {
      ...{ key: 'held_out/AUC _b_', value: 0.75, step: 1, timestamp: 1_700_000_000_000 },
    });
    const params = batches(asked)[0]!.body['params'] as Array<{ key: string; value: string }>;
    assert.equal(params.find(({ key }) => key === 'method')?.value, 'delta-log');
    assert.deepEqual(asked.find(({ path }) => path === 'experiments/create')!.body, { name: 'starlings' });
    assert.equal(asked.filter(({ path }) => path === 'runs/create').length, 1);
    const end = asked.find(({ path }) => path === 'runs/update')!.body;
    assert.deepEqual([end['run_id'], end['status']], ['r1', 'FINISHED']);
    assert.ok(asked.every(({ authorization }) => authorization === `Bearer ${token}`));
    assert.deepEqual(said, []);
  });

  test('that is away loses nothing, is told of once, and catches up when it is there', async () => {
    let isThere = false;
    const { asked, url } = await serverThat((one) => (isThere ? usual(one) : null));
    const said: string[] = [];
    const sink = openMlflow({ url, pass, retryFirstMs: 10, tell: (line) => said.push(line) });
    for (let round = 0; round < 2000; round++) sink.write(scalar({ round }));
    await until('tries', () => asked.length > 3);
    assert.equal(said.length, 1);
    assert.match(said[0]!, /cannot be told figures, which wait for it; training goes on/);
    isThere = true;
    await until('all figures', () => metricsOf(asked).length === 2000);
    await sink.close();
    assert.ok(batches(asked).every(({ body }) => (body['metrics'] as unknown[]).length <= 500));
    assert.deepEqual(
      metricsOf(asked).map(({ step }) => step),
      [...Array(2000).keys()],
    );
    assert.match(said[1]!, /is told figures again/);
  });

  test('that never answers holds up no end, and what waits for it is bounded', async () => {
    const { url } = await serverThat(() => null);
    const said: string[] = [];
    const options = { url, pass, waitingMax: 100, retryFirstMs: 10, lastMs: 50 };
    const sink = openMlflow({ ...options, tell: (line) => said.push(line) });
    for (let round = 0; round < 1000; round++) sink.write(scalar({ round }));
    const began = performance.now();
    await sink.close();
    assert.ok(performance.now() - began < 2000);
    assert.ok(said.some((line) => line.includes('the oldest are dropped')));
    assert.equal(said.at(-1), 'MLflow was not told 1000 figures');
  });

  test('that refuses a figure, or answers as no such server does, is no reason to stop, and its words are safe', async () => {
    const { asked, url } = await serverThat((one) =>
      one.path === 'runs/log-batch' ? [400, { message: `no \u001b[31m${token}` }] : usual(one),
    );
    const said: string[] = [];
    const sink = openMlflow({ url, pass, tell: (line) => said.push(line) });
    sink.write(scalar());
    await until('a refusal', () => said.length > 0);
    await sink.close();
    assert.match(said[0]!, /does not take figures: 400 no {2}?\[31m\(a secret\)/);
    assert.equal(batches(asked).length, 1);
    const other = await serverThat(() => [200, 'hello']);
    const words: string[] = [];
    const lost = openMlflow({
      url: other.url,
      retryFirstMs: 10,
      lastMs: 50,
      tell: (line) => words.push(line),
    });
    lost.write(scalar());
    await until('a word', () => words.length > 0);
    await lost.close();
    assert.match(words[0]!, /it answers as no MLflow server does/);
  });

  test('is let in by name and password, or by a token, as by MLflow itself, and says back neither', async () => {
    const named = { MLFLOW_TRACKING_USERNAME: 'ward', MLFLOW_TRACKING_PASSWORD: 'a pass: phrase' };
    const authorization = `Basic ${Buffer.from('ward:a pass: phrase').toString('base64')}`;
    assert.equal(mlflowPass({}), null);
    assert.equal(mlflowPass({ MLFLOW_TRACKING_TOKEN: '' }), null);
    const both = mlflowPass({ ...named, MLFLOW_TRACKING_TOKEN: token });
    assert.equal(both?.authorization, authorization, 'a name and a password go before a token');
    for (const half of [{ MLFLOW_TRACKING_USERNAME: 'ward' }, { MLFLOW_TRACKING_PASSWORD: 'x' }]) {
      assert.throws(() => mlflowPass(half), /one is set: set both, or neither/);
    }
    const { url, asked } = await serverThat((one) =>
      one.path === 'runs/log-batch'
        ? [400, { message: `no ${one.authorization} a pass: phrase` }]
        : usual(one),
    );
    const said: string[] = [];
    const sink = openMlflow({ url, pass: mlflowPass(named), tell: (line) => said.push(line) });
    sink.write(scalar());
    await until('a word', () => said.length > 0);
    await sink.close();
    assert.ok(asked.every((one) => one.authorization === authorization));
    assert.match(said[0]!, /400 no Basic \(a secret\) \(a secret\)/);
  });

  test('gets its token on a safe way alone, and is led nowhere else with it', async () => {
    const open = (url: string, given?: MlflowPass) => () => openMlflow({ url, pass: given, tell: () => {} });
    assert.throws(open('http://mlflow.example.org', pass), { code: 'BAD_USAGE' });
    assert.throws(open('http://me:secret@127.0.0.1'), (error: Error) => !error.message.includes('secret'));
    assert.throws(open('ftp://127.0.0.1'), { code: 'BAD_USAGE' });
    assert.throws(open('5000'), { code: 'BAD_USAGE' });
    for (const url of ['https://mlflow.example.org/team', 'http://localhost:5000']) open(url, pass)();
    const elsewhere = await serverThat(usual);
    const leading = createServer((_, response) => {
      response.writeHead(307, { location: `${elsewhere.url}/api/2.0/mlflow/x` }).end();
    });
    leading.listen(0, '127.0.0.1');
    await once(leading, 'listening');
    after(() => leading.close());
    const said: string[] = [];
    const url = `http://127.0.0.1:${(leading.address() as AddressInfo).port}`;
    const sink = openMlflow({ url, pass, retryFirstMs: 10, lastMs: 50, tell: (line) => said.push(line) });
    sink.write(scalar());
    await until('a word', () => said.length > 0);
    await sink.close();
    leading.closeAllConnections();
    assert.deepEqual(elsewhere.asked, []);
  });

  test('a real server keeps runs, params and figures, and a node that comes back goes on in its run', {
    skip:
      !process.env['STARLINGS_MLFLOW'] &&
      'needs the server of pip install mlflow: STARLINGS_MLFLOW=/path/to/mlflow',
    timeout: 180_000,
  }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'starlings-mlflow-'));
    const { child, url } = await startMlflow(process.env['STARLINGS_MLFLOW']!, folder);
    t.after(async () => {
      process.kill(-child.pid!, 'SIGTERM');
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    });
    for (const rounds of [[0, 1], [2]]) {
      const said: string[] = [];
      const sink = openMlflow({ url, lastMs: 60_000, tell: (line) => said.push(line) });
      for (const node of ['node-00', 'node-01']) {
        sink.describe!({ node, runId: 'bafyrun' }, { ...description, outcome: 'trained' });
        for (const round of rounds) sink.write(scalar({ node, round, value: 1 / (round + 1) }));
      }
      await sink.close();
      assert.deepEqual(said, []);
    }
    const ask = async (path: string, body?: unknown): Promise<unknown> => {
      const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      const headers = { 'content-type': 'application/json' };
      return (await (await fetch(`${url}/api/2.0/mlflow/${path}`, { headers, ...init })).json()) as unknown;
    };
    const { experiment } = (await ask('experiments/get-by-name?experiment_name=starlings')) as {
      experiment: { experiment_id: string };
    };
    const { runs } = (await ask('runs/search', { experiment_ids: [experiment.experiment_id] })) as {
      runs: Array<{ info: Record<string, string>; data: { params: Array<{ key: string; value: string }> } }>;
    };
    assert.deepEqual(runs.map(({ info }) => info['run_name']).toSorted(), ['node-00', 'node-01']);
    assert.ok(runs.every(({ info }) => info['status'] === 'FINISHED'));
    assert.ok(runs[0]!.data.params.some(({ key, value }) => key === 'parameters' && value === '14'));
    const id = runs[0]!.info['run_id'];
    const { metrics: kept } = (await ask(`metrics/get-history?run_id=${id}&metric_key=training/loss`)) as {
      metrics: Array<{ step: number; value: number }>;
    };
    assert.deepEqual(
      kept.map(({ step, value }) => [step, value]),
      [
        [0, 1],
        [1, 0.5],
        [2, 1 / 3],
      ],
    );
  });
});

async function startMlflow(command: string, folder: string): Promise<{ child: ChildProcess; url: string }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  const place = ['--backend-store-uri', `sqlite:///${folder}/mlflow.db`, '--artifacts-destination', folder];
  const args = ['server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1', ...place];
  const child = spawn(command, args, { cwd: folder, stdio: 'ignore', detached: true });
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + 120_000;
  for (;;) {
    const isUp = await fetch(`${url}/health`)
      .then(({ ok }) => ok)
      .catch(() => false);
    if (isUp) return { child, url };
    assert.ok(performance.now() < deadline && child.exitCode === null, 'the server of MLflow does not start');
    await delay(250);
  }
}
