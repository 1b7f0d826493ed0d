/**
 * Liars among real nodes: `npm run bench:liars`, with `-- --json` for machines, `--liars` of `--nodes`, `--rounds`, `--slotMs`, `--attacks` and `--judging` with
 * lists of names, `--falseScores` for liars who also say the opposite of what deltas are worth. What the final model is worth on examples that nobody learned
 * from, beside the same run with the liars silent; who ended silenced. All nodes are in this process, and their clock stands still while it is busy.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type BehaviourSpec, behaviourSchema } from '../sim/adversaries/registry.ts';
import { methodSchema } from '../src/methods/registry.ts';
import { trainingSchema } from '../src/run/run-spec.ts';
import type { ModelSpec } from '../src/tasks/models/registry.ts';
import { Cluster, keysOf } from '../test/cluster/cluster.ts';
import { lying } from '../test/cluster/liars.ts';
import { eventually } from '../test/network/real-hosts.ts';
import { printRows } from './measure.ts';

const deadlineMs = 1_800_000;
const model: ModelSpec = { kind: 'mlp', inputs: 784, hidden: [64], outputs: 10 };
const training = trainingSchema.parse({ localSteps: 30, learningRate: 0.2 });

/** null: silent. */
const attacks: Readonly<Record<string, BehaviourSpec | null>> = {
  silent: null,
  'sign-flip': behaviourSchema.parse({ id: 'sign-flip' }),
  'sign-flip-x10': behaviourSchema.parse({ id: 'sign-flip', factor: 10 }),
  'label-flip': behaviourSchema.parse({ id: 'label-flip' }),
  alie: behaviourSchema.parse({ id: 'alie' }),
  'free-rider': behaviourSchema.parse({ id: 'free-rider' }),
};
const judgings = { off: null, votes: { id: 'votes' }, scores: { id: 'scores' } } as const;

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '16' },
    liars: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '30' },
    slotMs: { type: 'string', default: '500' },
    attacks: { type: 'string', default: Object.keys(attacks).join() },
    judging: { type: 'string', default: Object.keys(judgings).join() },
    falseScores: { type: 'boolean', default: false },
  },
});
const [nodes, liars, rounds, slotMs] = [flags.nodes, flags.liars, flags.rounds, flags.slotMs].map(Number) as [
  number,
  number,
  number,
  number,
];
const falseScores = flags.falseScores;

interface Row {
  readonly attack: string;
  readonly judging: string;
  readonly loss: number;
  readonly accuracy: number;
  /** Loss over that of the run with the liars silent, less 1, in %. */
  readonly moreThanSilent: number | null;
  readonly liarsOut: number;
  readonly honestOut: number;
  readonly models: number;
  readonly seconds: number;
  readonly load: number;
}

type Measured = Omit<Row, 'attack' | 'judging' | 'moreThanSilent'>;

async function lived(attack: string, judging: keyof typeof judgings): Promise<Measured> {
  const startMs = performance.now();
  const who = new Set(Array.from({ length: liars }, (_, index) => nodes - 1 - index));
  const strategy = methodSchema.parse({ id: 'delta-log', expectedPeers: nodes, judging: judgings[judging] });
  const behaviour = attacks[attack] ?? null;
  const cluster = await Cluster.begin(
    nodes,
    { model, training, strategy, rounds, slotMs, slotMsMax: slotMs },
    lying({ liars: who, behaviour, falseScores }),
  );
  try {
    const honest = cluster.nodes.slice(0, nodes - liars);
    const isOver = (): boolean => honest.every(({ session }) => session.status().phase === 'finished');
    await eventually('the honest have finished', isOver, deadlineMs);
    const { session } = honest[0]!;
    const keys = keysOf(nodes);
    const out = session
      .status()
      .shown.flatMap(({ author, silenced }) => (author && silenced ? [keys.indexOf(author)] : []));
    const { loss, accuracy } = await cluster.evaluate(session.model());
    return {
      ...{ loss, accuracy: 100 * accuracy! },
      liarsOut: out.filter((index) => who.has(index)).length,
      honestOut: out.filter((index) => !who.has(index)).length,
      models: new Set(honest.map((node) => node.session.status().modelHash)).size,
      seconds: Math.round((performance.now() - startMs) / 1_000),
      load: Math.round(loadavg()[0]!),
    };
  } finally {
    await cluster.end();
  }
}

function namesIn<Name extends string>(list: string, known: readonly Name[]): Name[] {
  return list.split(',').map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) throw new Error(`${name} is none of ${known.join(', ')}`);
    return found;
  });
}

const rows: Row[] = [];
for (const judging of namesIn(flags.judging, Object.keys(judgings) as (keyof typeof judgings)[])) {
  let silent: number | null = null;
  for (const attack of namesIn(flags.attacks, Object.keys(attacks))) {
    const measured = await lived(attack, judging);
    if (attack === 'silent') silent = measured.loss;
    const moreThanSilent = silent === null ? null : 100 * (measured.loss / silent - 1);
    rows.push({ attack, judging, moreThanSilent, ...measured });
    console.error(JSON.stringify(rows.at(-1)));
  }
}
const settings = { nodes, liars, rounds, slotMs, falseScores };
printRows(settings, rows, flags.json);
