/**
 * What many keys that attack together take from honest nodes: `npm run bench:hostile-keys`, with `-- --json` for machines, `--nodes`,
 * `--keys`, `--rounds`, `--membership open|closed`, `--deltas none|poison`, `--trace`. Real nodes in this process, first alone, then attacked; how many
 * of their deltas are in the final log, and the accuracy. Their clock stands still while this process is busy, so that the machine is not what fails.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { methodSchema } from '../src/methods/registry.ts';
import { keysOf } from '../test/cluster/cluster.ts';
import { Arena, strategy } from '../test/hostile/arena.ts';
import { KeySwarm, type SwarmDeltas } from '../test/hostile/key-swarm.ts';
import { printRows } from './measure.ts';

/** Links are settled after that long. */
const settleMs = 31_000;

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '16' },
    keys: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '30' },
    from: { type: 'string', default: '10' },
    slotMs: { type: 'string', default: '2000' },
    membership: { type: 'string', default: 'open' },
    deltas: { type: 'string', default: 'none' },
    trace: { type: 'boolean', default: false },
  },
});
const [nodes, keys, rounds, from, slotMs] = [
  flags.nodes,
  flags.keys,
  flags.rounds,
  flags.from,
  flags.slotMs,
].map(Number) as [number, number, number, number, number];
if (flags.deltas !== 'none' && flags.deltas !== 'poison') throw new Error('--deltas none or poison');
const deltas: SwarmDeltas = flags.deltas;

interface Row {
  readonly attackers: number;
  readonly published: number;
  readonly folded: number;
  readonly foldedPart: number;
  readonly models: number;
  readonly accuracy: number;
  readonly lies: number;
  readonly seconds: number;
  readonly load: number;
}

const foldedThrough = ({ honest }: Arena): string =>
  honest.map(({ session }) => session.status().finalisedRound).join(' ');

async function lived(attackers: number): Promise<Row> {
  const ends: (() => Promise<void> | void)[] = [];
  const startMs = performance.now();
  try {
    const membership =
      flags.membership === 'closed'
        ? { kind: 'allow-list' as const, members: keysOf(nodes) }
        : { kind: 'open' as const };
    const method = methodSchema.parse({ ...strategy, expectedPeers: nodes, committeeSize: 128 });
    const fields = { strategy: method, rounds, slotMs, slotMsMax: slotMs, membership };
    const arena = await Arena.begin((end) => ends.push(end), nodes, fields);
    arena.cluster.age(settleMs);
    let swarm: KeySwarm | null = null;
    await arena.live(async (slot) => {
      if (flags.trace) console.error(`slot ${slot}, folded through ${foldedThrough(arena)}`);
      if (attackers === 0 || slot < from) return;
      if (!swarm) {
        swarm = await KeySwarm.gather(arena, attackers, deltas);
        ends.push(() => swarm?.end());
      }
      if (flags.trace) console.error(`  ${swarm.links} links, ${swarm.asked} lies`);
      swarm.act(arena.slot);
    });
    return await measured(arena, attackers, swarm, startMs);
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function measured(
  arena: Arena,
  attackers: number,
  swarm: KeySwarm | null,
  startMs: number,
): Promise<Row> {
  const [first] = arena.honest;
  const { contributions } = first!.session.status();
  const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
  const published = sum(arena.honest.map((node) => node.rounds('published').length));
  const folded = sum(arena.honest.map(({ key }) => contributions.get(key)?.deltas ?? 0));
  const hashes = new Set(arena.honest.map(({ session }) => session.status().modelHash));
  const { accuracy } = await arena.cluster.evaluate(first!.session.model());
  return {
    attackers,
    published,
    folded,
    foldedPart: folded / published,
    models: hashes.size,
    accuracy: accuracy!,
    lies: swarm?.asked ?? 0,
    seconds: Math.round((performance.now() - startMs) / 1_000),
    load: loadavg()[0]!,
  };
}

const rows: Row[] = [];
for (const attackers of [0, keys]) rows.push(await lived(attackers));
const settings = { nodes, keys, rounds, slotMs, membership: flags.membership, deltas };
printRows(settings, rows, flags.json);
