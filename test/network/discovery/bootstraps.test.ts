import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { createBootstraps } from '../../../src/network/discovery/bootstraps.ts';
import { createHost } from '../../../src/network/host/host.ts';
import { identityFromSeed } from '../../../src/network/identity.ts';
import { tcpProfile } from '../../../src/network/profiles/tcp.ts';
import { wallClock } from '../../../src/platform/node/wall-clock.ts';
import { eventLog, eventually, loopbackHost } from '../real-hosts.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

test('says that no bootstrap answers, keeps trying, and gets in when one starts', async () => {
  const port = await freePort();
  const addresses = [`/ip4/127.0.0.1/tcp/${port}`];
  const host = await loopbackHost({ carriesRuns: false });
  const log = eventLog();
  const bootstraps = createBootstraps({
    host,
    addresses,
    clock: wallClock,
    random: Math.random,
    onEvent: log.record,
    retry: { firstMs: 50, maxMs: 200 },
  });
  bootstraps.start();
  try {
    await eventually('two attempts failed', () =>
      log.events.some((event) => event.kind === 'no-bootstrap-answers' && event.attempt === 2),
    );
    assert.deepEqual(log.events[0], { kind: 'no-bootstrap-answers', addresses, attempt: 1 });
    const late = await createHost({
      identity: identityFromSeed(randomBytes(32)),
      profile: tcpProfile({ listen: addresses }),
      carriesRuns: false,
    });
    await late.start();
    try {
      await eventually('it is in', () => log.events.some(({ kind }) => kind === 'bootstrap-answered'));
      assert.equal(host.libp2p.getPeers().length, 1);
    } finally {
      await late.stop();
    }
  } finally {
    await bootstraps.stop();
    await host.stop();
  }
});

test('leaves its own address out and refuses what is no address', async () => {
  const host = await loopbackHost({ carriesRuns: false });
  try {
    const common = { host, clock: wallClock, random: Math.random };
    const log = eventLog();
    const alone = createBootstraps({ ...common, addresses: host.addresses(), onEvent: log.record });
    alone.start();
    await alone.stop();
    assert.deepEqual(log.events, []);
    // Where another node has our key: a directory was copied.
    const twins = host.addresses().map((address) => address.replace(/\/tcp\/\d+/, '/tcp/1'));
    const copied = createBootstraps({ ...common, addresses: twins, onEvent: log.record });
    copied.start();
    await eventually('it is told', () => log.events.length > 0);
    await copied.stop();
    assert.deepEqual(log.events, [{ kind: 'bootstraps-have-our-key', addresses: twins }]);
    assert.throws(() => createBootstraps({ ...common, addresses: ['127.0.0.1:4001'], onEvent: log.record }));
  } finally {
    await host.stop();
  }
});
