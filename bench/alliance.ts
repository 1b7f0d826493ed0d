/**
 * What votes of an alliance cost on the wire, beside the deltas that they are about: `npm run bench:alliance`, with `-- --json` for machines.
 * 64 virtual members with 16 voters a round: bytes sent by each, overhead included, for deltas of two sizes, with votes and without, and
 * without members that show who invited them, which is no cost of votes. Ten minutes.
 */
import { parseArgs } from 'node:util';
import { resolveScenario, type Scenario, scenarioFileSchema } from '../sim/scenario/scenario.ts';
import { runScenario } from '../sim/simulation.ts';
import { ballotRounds } from '../src/entries/ballot/ballot-kind.ts';

const peers = 64;
const admitRounds = 1;
const codecs = { 'chunk 64, 8 of it': { chunk: 64, perChunk: 8 }, 'chunk 4096, 64 of it': {} };

interface Asked {
  readonly votes: boolean;
  readonly invites: boolean;
}

function scenarioOf(codec: Record<string, unknown>, { votes, invites }: Asked): Scenario {
  const content = scenarioFileSchema.parse({
    ...{ seed: 7, peers, learner: { id: 'quadratic' } },
    run: {
      name: 'alliance',
      model: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 },
      task: { kind: 'idx-images' },
      strategy: {
        ...{ id: 'delta-log', expectedPeers: peers, committeeSize: peers, judging: null, kinds: [], codec },
        ...{ admitRounds, judgingRounds: ballotRounds(admitRounds).fold },
        ...(votes ? { alliance: {} } : {}),
      },
      ...{ rounds: 5, slotMs: 5000, ...(invites ? { membership: { kind: 'invite' } } : {}) },
    },
  });
  return resolveScenario(content, undefined, 'alliance');
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const rows = [];
for (const [name, codec] of Object.entries(codecs)) {
  const bytesOf = async (asked: Asked): Promise<number> =>
    (await runScenario(scenarioOf(codec, asked), { wallNowMs: () => 0 })).bytesPerPeer;
  const open = await bytesOf({ votes: false, invites: false });
  const without = await bytesOf({ votes: false, invites: true });
  const withVotes = await bytesOf({ votes: true, invites: true });
  rows.push({ name, open, without, withVotes, ratio: withVotes / without });
}
for (const { name, open, without, withVotes, ratio } of rows)
  if (!values.json)
    console.log(
      `${name.padEnd(22)} ${without} bytes a member without votes, ${withVotes} with: ${ratio.toFixed(4)}; ${open} where nobody is invited`,
    );
if (values.json) console.log(JSON.stringify({ bench: 'alliance', peers, rows }));
