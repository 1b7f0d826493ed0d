import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { connect } from '../../src/page/connection.ts';
import { holdPass } from '../../src/page/pass.ts';

test('a token that comes while the first request is still under way is shown at once', {
  timeout: 30_000,
}, async () => {
  const asked: { authorization: string | undefined; response: ServerResponse }[] = [];
  const server = createServer(({ headers: { authorization } }, response) => {
    asked.push({ authorization, response });
    server.emit('asked');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.closeAllConnections());
  after(() => server.close());
  const hello = Promise.withResolvers<unknown>();
  const { port } = server.address() as AddressInfo;
  const first = once(server, 'asked');
  const connection = connect(`http://127.0.0.1:${port}/`, {
    onHello: hello.resolve,
    onUpdate: () => {},
    onLost: () => {},
  });
  await first;
  holdPass('let me in');
  connection.retry();
  const second = once(server, 'asked');
  asked[0]!.response.writeHead(401).end();
  await second;
  assert.deepEqual(
    asked.map(({ authorization }) => authorization),
    [undefined, 'Bearer let me in'],
  );
  asked[1]!.response
    .writeHead(200, { 'content-type': 'text/event-stream' })
    .write('event: hello\ndata: 7\n\n');
  assert.equal(await hello.promise, 7);
  // The stream would be taken up again for as long as the page is open.
  holdPass(null);
  const third = once(server, 'asked');
  asked[1]!.response.end();
  await third;
  asked[2]!.response.writeHead(401).end();
});
