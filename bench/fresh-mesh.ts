/**
 * How long fresh processes take to a full mesh: `npm run bench:fresh-mesh`, with `-- --nodes 16`, `-- --json` for machines. Each is a node
 * of its own process that knows the address of the first alone, and is there once it has as many peers as it wants (8), or all. The limit is
 * what starting them takes: the last process whose host is up.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type * as Starlings from '../src/index.ts';
import { defaultLinkLimits } from '../src/network/links/peer-selection.ts';
import { endChildren } from './child-word.ts';
import { idleLearner } from './idle-learner.ts';
import { ownProcessorMs } from './processor-time.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    nodes: { type: 'string', default: '16' },
    json: { type: 'boolean', default: false },
    seed: { type: 'string', default: '0' },
    folder: { type: 'string', default: '' },
    bootstrap: { type: 'string', multiple: true, default: [] },
    'start-at': { type: 'string', default: '0' },
  },
});
const nodes = Number(values.nodes);
const enough = Math.min(defaultLinkLimits.peersMin, nodes - 1);

/** `cpuMs`: processor time of the process until then. */
type Word = ({ readonly up: readonly string[] } | { readonly meshed: true }) & { readonly cpuMs: number };
const say = (word: Word): void => void process.send?.(word);

/** One process: says its addresses, and when it has peers enough; runs until its parent goes. The library as it is built: the sources take twice as long to load. */
async function member(): Promise<void> {
  const built: typeof Starlings = await import(new URL('../dist/src/index.js', import.meta.url).href);
  const { createCrypto, createNode, createRun, identityFromSeed, openLevelStore, wallClock } = built;
  const spec = built.runSpecSchema.parse({
    name: 'bench',
    model: { kind: 'mlp', inputs: 784, hidden: [16], outputs: 10 },
    task: { kind: 'idx-images' },
    rounds: 100,
    slotMs: 1000,
  });
  const signerOf = (seed: number) => identityFromSeed(new Uint8Array(32).fill(seed));
  const seed = Number(values.seed);
  const store = await openLevelStore(join(values.folder, String(seed)));
  const node = await createNode(
    {
      identity: signerOf(1 + seed),
      profile: built.tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
      bootstrap: values.bootstrap,
      ...{ store, clock: wallClock, random: Math.random },
      // The run begins in an hour.
      learners: async () => idleLearner(built.parameterCount(spec.model)),
    },
    () => {},
  );
  process.once('disconnect', () => process.exit());
  say({ up: node.addresses(), cpuMs: ownProcessorMs() });
  const run = createRun(spec, Number(values['start-at']), createCrypto(), signerOf(255).signer);
  const session = node.join(run, { data: 'made here', backend: 'wasm' });
  const look = setInterval(() => {
    if (session.view().peers < enough) return;
    clearInterval(look);
    say({ meshed: true, cpuMs: ownProcessorMs() });
  }, 20);
}

function begin(seed: number, folder: string, startAtMs: number, bootstrap: readonly string[]): ChildProcess {
  const flags = [
    '--seed',
    `${seed}`,
    '--nodes',
    values.nodes,
    '--folder',
    folder,
    '--start-at',
    `${startAtMs}`,
  ];
  return fork(import.meta.filename, [
    'member',
    ...flags,
    ...bootstrap.flatMap((address) => ['--bootstrap', address]),
  ]);
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'starlings-bench-fresh-mesh-'));
  // Nobody trains meanwhile.
  const startAtMs = Date.now() + 3_600_000;
  const children: ChildProcess[] = [];
  try {
    const beganMs = performance.now();
    const first = begin(0, folder, startAtMs, []);
    children.push(first);
    const [word] = (await once(first, 'message')) as [Word & { up: string[] }];
    const firstMs = performance.now() - beganMs;
    for (let seed = 1; seed < nodes; seed++) children.push(begin(seed, folder, startAtMs, word.up));
    const times = await Promise.all(
      children.map(async (child, index) => {
        let upMs = index === 0 ? firstMs : 0;
        let upCpuMs = index === 0 ? word.cpuMs : 0;
        for (;;) {
          const [said] = (await once(child, 'message')) as [Word];
          const ms = performance.now() - beganMs;
          if ('meshed' in said) return { upMs, meshedMs: ms, upCpuMs, meshedCpuMs: said.cpuMs };
          upMs = ms;
          upCpuMs = said.cpuMs;
        }
      }),
    );
    const upMs = Math.max(...times.map((time) => time.upMs));
    const meshedMs = Math.max(...times.map((time) => time.meshedMs));
    const mean = (of: readonly number[]): number => of.reduce((sum, one) => sum + one, 0) / of.length;
    const upCpuMs = mean(times.map((time) => time.upCpuMs));
    const meshedCpuMs = mean(times.map((time) => time.meshedCpuMs));
    const figures = {
      ...{ nodes, enough, lastUpMs: upMs, lastMeshedMs: meshedMs, ratio: meshedMs / upMs },
      ...{ upCpuMs, meshedCpuMs },
    };
    if (values.json) console.log(JSON.stringify(figures));
    else {
      console.log(`${nodes} fresh processes, each with ${enough} peers`);
      console.log(`  the last is up after   ${(upMs / 1000).toFixed(1)} s`);
      console.log(
        `  the last is meshed at  ${(meshedMs / 1000).toFixed(1)} s, ${figures.ratio.toFixed(2)} times that`,
      );
      console.log(
        `  processor time of one  ${upCpuMs.toFixed(0)} ms until it is up, ${meshedCpuMs.toFixed(0)} until it is meshed`,
      );
    }
  } finally {
    await endChildren(children);
    await rm(folder, { recursive: true, force: true });
  }
}

await (positionals[0] === 'member' ? member() : main());
