import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connected, eventually, loopbackHost, someRunId } from './real-hosts.ts';
import { gossiping, type RunMember, runMember } from './run-member.ts';

test('who rests looks for no more peers while it has one, and again once it has none', async () => {
  const runId = someRunId('resting');
  const timing = {
    provide: { firstMs: 2_000, maxMs: 600_000 },
    find: { firstMs: 20, maxMs: 20 },
    findWhenEnoughMs: 20,
    findAtRestMs: 600_000,
    queryTimeoutMs: 20_000,
  };
  const member = async (): Promise<RunMember> =>
    runMember(await loopbackHost(), runId, { discovery: timing });
  const [resting, awake] = [await member(), await member()];
  let isAwake = true;
  const end = async ({ transport, host }: RunMember): Promise<void> => {
    await transport.stop();
    await host.stop();
  };
  after(async () => {
    await end(resting);
    if (isAwake) await end(awake);
  });
  await Promise.all([resting.start(), awake.start()]);
  await connected(resting.host, awake.host);
  await gossiping([resting, awake]);

  resting.transport.rest(true);
  const searches = ({ log }: RunMember): number =>
    log.events.filter(({ kind }) => kind === 'providers-found' || kind === 'find-failed').length;
  const [before, beforeAwake] = [searches(resting), searches(awake)];
  await eventually('the other has searched again', () => searches(awake) >= beforeAwake + 4, 30_000);
  assert.ok(searches(resting) <= before + 2, 'no more than was under way');

  isAwake = false;
  const alone = searches(resting);
  await end(awake);
  await eventually('it searches again', () => searches(resting) >= alone + 3, 30_000);
});
