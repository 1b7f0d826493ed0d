import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveManifests } from '../../src/network/exchange/manifest-exchange.ts';
import { askAboutRun } from '../../src/network/exchange/run-question.ts';
import { MANIFEST_PROTOCOL } from '../../src/network/protocols.ts';
import { limitedProfile } from './limited-profile.ts';
import { connected, eventually, loopbackHost, someRunId } from './real-hosts.ts';
import { asking, gossiping, runMember } from './run-member.ts';

test('a run goes over limited connections as over any other', async () => {
  const profile = limitedProfile(['/ip4/127.0.0.1/tcp/0']);
  const [a, b] = [await loopbackHost({ profile }), await loopbackHost({ profile })];
  const runId = someRunId('limited');
  const members = [runMember(a, runId), runMember(b, runId)] as const;
  const stopServing = await serveManifests(b, () => Buffer.from('the manifest'));
  try {
    await connected(a, b);
    await Promise.all(members.map((member) => member.start()));
    await eventually('they are up', () => members.every(({ up }) => up.length === 1));
    const connections = [...a.libp2p.getConnections(), ...b.libp2p.getConnections()];
    assert.ok(connections.length > 0 && connections.every(({ limits }) => limits !== undefined));
    await gossiping(members);
    await members[0].transport.announce(Buffer.from('over a relay'));
    await eventually('it is heard', () => members[1].heard.includes('over a relay'));
    const [answer] = await members[1].transport.request(a.key, Buffer.from('this'), asking());
    assert.match(Buffer.from(answer!).toString(), /asked this/);
    const question = { protocol: MANIFEST_PROTOCOL, bytesMax: 100, timeoutMs: 5_000 };
    const { signal } = new AbortController();
    const manifest = await askAboutRun({ host: a, runId }, b.libp2p.peerId, question, signal);
    assert.equal(Buffer.from(manifest).toString(), 'the manifest');
  } finally {
    await stopServing();
    await Promise.all(members.map(({ transport }) => transport.stop()));
    await Promise.all([a.stop(), b.stop()]);
  }
});
