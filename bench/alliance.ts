/**
 * What votes of an alliance cost on the wire, beside the deltas that they are about: `npm run bench:alliance`, with `-- --json` for machines.
 * 64 virtual members with 16 voters a round, with votes and without: bytes sent by each, overhead included, for deltas of two sizes. Minutes.
 */
import { parseArgs } from 'node:util';
import { resolveScenario, type Scenario, scenarioFileSchema } from '../sim/scenario/scenario.ts';
import { runScenario } from '../sim/simulation.ts';
import { ballotRounds } from '../src/entries/ballot/ballot-kind.ts';

const peers = 64;
const admitRounds = 1;
const codecs = { 'chunk 64, 8 of it': { chunk: 64, perChunk: 8 }, 'chunk 4096, 64 of it': {} };

function scenarioOf(codec: Record<string, unknown>, alliance: Record<string, unknown> | null): Scenario {
  const content = scenarioFileSchema.parse({
    ...{ seed: 7, peers, learner: { id: 'quadratic' } },
    run: {
      name: 'alliance',
      model: { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 },
      task: { kind: 'idx-images' },
      strategy: {
        ...{ id: 'delta-log', expectedPeers: peers, committeeSize: peers, judging: null, kinds: [], codec },
        ...{ admitRounds, judgingRounds: ballotRounds(admitRounds).fold },
        ...(alliance ? { alliance } : {}),
      },
      ...{ rounds: 5, slotMs: 5000, ...(alliance ? { membership: { kind: 'invite' } } : {}) },
    },
  });
  return resolveScenario(content, undefined, 'alliance');
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const rows = [];
for (const [name, codec] of Object.entries(codecs)) {
  const without = (await runScenario(scenarioOf(codec, null), { wallNowMs: () => 0 })).bytesPerPeer;
  const withVotes = (await runScenario(scenarioOf(codec, {}), { wallNowMs: () => 0 })).bytesPerPeer;
  rows.push({ name, without, withVotes, ratio: withVotes / without });
}
for (const { name, without, withVotes, ratio } of rows)
  if (!values.json)
    console.log(
      `${name.padEnd(22)} ${without} bytes a member without votes, ${withVotes} with: ${ratio.toFixed(4)}`,
    );
if (values.json) console.log(JSON.stringify({ bench: 'alliance', peers, rows }));
