/** Who serves published models hears that the node is gone, and that a model was taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RegistryDesk } from '../../src/cli/parts/model/registry-desk.ts';
import { initialVector } from '../../src/learning/initial.ts';
import { writeSafetensors } from '../../src/learning/model-files/safetensors.ts';
import { modelSchema } from '../../src/tasks/models/registry.ts';
import { LogNodes, logRun, until } from '../daemon/log-nodes.ts';

const model = modelSchema.parse({ kind: 'logistic-regression', inputs: 8, outputs: 2 });

test('what is served says when its node stops and comes back, and when its author takes it back', async () => {
  const nodes = await LogNodes.of(logRun([{ id: 'publish' }, { id: 'retire' }]));
  const [author, server] = [await nodes.start('author'), await nodes.start('server')];
  const file = nodes.at('one.safetensors');
  await writeSafetensors(file, model, initialVector(model, 1), {});
  const about = { file, model: 'digits@1.0', licence: 'MIT' };
  await until('it is published', () => author.command('publish', about));
  await until('it is seen', () => server.command('model', { model: 'digits@1.0' }));
  const said: string[] = [];
  const desk = new RegistryDesk({
    ...{ target: server.home, run: undefined, report: false, watchEveryMs: 50 },
    say: (line) => said.push(line),
  });
  const never = new AbortController().signal;
  const [place] = await desk.pinned(['digits@1.0'], never);
  assert.match(place!, /^digits@1\.0=.*files/);
  const heard = (line: RegExp) => until(String(line), async () => said.some((one) => line.test(one)));
  await until('it is taken back', () =>
    author.command('retire', { model: 'digits@1.0', reason: 'a better one' }),
  );
  await heard(/^trouble {3}digits@1\.0 was taken back by its author: a better one; it is served until/);
  await server.stop();
  await heard(/^trouble {3}the node does not answer \(.+\): what is here is served on/);
  await nodes.start('server');
  await heard(/^back {6}the node answers again$/);
  await desk.close();
  // Each once, however often it was looked at.
  assert.equal(said.length, 3, said.join('\n'));
});
