/** The whole story on one machine: boot, join, lose every bootstrap, train to the end, compare the models. */

import { setTimeout as delay } from 'node:timers/promises';
import { denseBytes } from '../node/view/dense-bytes.ts';
import type { Outcome } from '../node/view/outcome.ts';
import { signalProcess } from '../platform/node/process-identity.ts';
import { sharedSize } from '../run/run-spec.ts';
import { headlineOf, type Measure, worstFirst } from '../tasks/measures.ts';
import { haveFinished, type Observation, observe, outcomeOfAll } from './observe.ts';
import { Joining, stuckTest } from './patience.ts';
import { pooled, pooledFigures } from './pooled.ts';
import { stopMembers } from './stop-testnet.ts';
import { TestnetError } from './testnet-error.ts';
import { type Testnet, type UpOptions, upTestnet } from './up-testnet.ts';

export interface RunToEndResult {
  readonly nodes: number;
  /** The figure to look at, of the node where it is worst; null where none was evaluated. */
  readonly worst: Measure | null;
  /** The same over the held-out examples of all nodes, so that a node of many counts for as many. */
  readonly pooled: Measure | null;
  /** What who always says the most frequent class of all nodes' examples is right for; null where answers are no classes, or many an example. */
  readonly majority: number | null;
  /** Over the same examples, `confusion[label][predicted]`; null as `majority`, and where there are more than 20 classes. */
  readonly confusion: readonly (readonly number[])[] | null;
  /** The same of the nodes' twins that trained alone; null without --compare-alone. */
  readonly pooledAlone: Measure | null;
  /** Of tasks that have accuracy: what the three above are, in numbers. */
  readonly accuracyMin: number | null;
  readonly accuracyMean: number | null;
  readonly aloneAccuracyMean: number | null;
  /** Distinct SHA-256 of the nodes' models, sorted. */
  readonly modelHashes: readonly string[];
  /** Mean over the nodes of all bytes that left them, overhead included. */
  readonly bytesSentPerNode: number;
  /** What a node would send if it gave its whole model as float32 to every other node in every round. */
  readonly denseBytesPerNode: number;
  readonly bootstrapsAlive: number;
  readonly rounds: number;
  /** At the node where the fewest did. */
  readonly countedRounds: number;
  /** The worst of all nodes; null where a node did not live to the end. */
  readonly outcome: Outcome | null;
  /** By name of the node. */
  readonly outcomes: Readonly<Record<string, Outcome | null>>;
  /** From the command to here, wall clock. */
  readonly seconds: number;
}

export interface RunToEndWatch {
  /** The network is up. */
  readonly onUp: (testnet: Testnet) => void;
  /** A look at the network, about twice a second. */
  readonly onLook: (observation: Observation) => void;
  /** All nodes have joined and these bootstraps were just killed. */
  readonly onBootstrapsKilled: (names: readonly string[]) => void;
}

export interface RunToEnd {
  readonly testnet: Testnet;
  readonly last: Observation;
  readonly result: RunToEndResult;
}

const lookEveryMs = 500;
const stopPatienceMs = 10_000;

/**
 * Boots the testnet, kills its bootstraps once all nodes have joined, waits for the end and stops everything,
 * whatever happens. @throws TestnetError where nodes do not join or finish in time; `signal.reason` on abort
 */
export async function runToEnd(
  options: UpOptions,
  watch: RunToEndWatch,
  signal: AbortSignal,
): Promise<RunToEnd> {
  const began = performance.now();
  const testnet = await upTestnet({ ...options, attached: true }, signal);
  try {
    watch.onUp(testnet);
    const joining = new Joining();
    const joined = await lookUntil(testnet, joining.isOver, joining.isStuck, watch, signal, null);
    if (!joining.isOver(joined)) {
      throw new TestnetError(
        'NOT_JOINED',
        `${joining.whyNot(joined)}: see log.jsonl in ${testnet.directory}/node-*`,
      );
    }
    const killed = testnet.bootstraps.filter(({ member }) => signalProcess(member, 'SIGKILL'));
    watch.onBootstrapsKilled(killed.map(({ member }) => member.name));
    const last = await lookUntil(testnet, haveFinished, stuckTest(testnet), watch, signal, joined);
    if (!haveFinished(last)) {
      throw new TestnetError(
        'NOT_FINISHED',
        `no round counted any more and the nodes had not finished${mostSkipped(last)}: see log.jsonl in ${testnet.directory}/node-*`,
      );
    }
    return { testnet, last, result: resultOf(testnet, last, (performance.now() - began) / 1000) };
  } finally {
    await stopMembers(testnet.state.members, stopPatienceMs);
  }
}

async function lookUntil(
  testnet: Testnet,
  done: (observation: Observation) => boolean,
  isHopeless: (last: Observation) => boolean,
  watch: RunToEndWatch,
  signal: AbortSignal,
  earlier: Observation | null,
): Promise<Observation> {
  for (let last = earlier; ; ) {
    last = await observe(testnet.state, last);
    watch.onLook(last);
    const nobodyLeft = last.nodes.every(({ alive }) => !alive);
    if (done(last) || nobodyLeft || isHopeless(last)) return last;
    await delay(lookEveryMs, undefined, { signal });
  }
}

/** The most common reason why rounds were not published. */
function mostSkipped({ nodes }: Observation): string {
  const skipped = nodes.flatMap(({ view }) => Object.entries(view?.skipped ?? {}));
  const [most] = skipped.sort(([, a], [, b]) => b - a);
  return most ? ` (rounds were skipped, mostly: ${most[0]})` : '';
}

function resultOf({ spec }: Testnet, last: Observation, seconds: number): RunToEndResult {
  const views = last.nodes.flatMap(({ alive, view }) => (alive && view ? [view] : []));
  const worst = worstFirst(views.flatMap((view) => headlineOf(view) ?? []))[0] ?? null;
  const all = pooled(views, (view) => view);
  const pooledAlone = pooled(views, ({ alone }) => alone);
  const asAccuracy = (measure: Measure | null) => (measure?.id === 'accuracy' ? measure.value : null);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    nodes: last.nodes.length,
    ...pooledFigures(views),
    worst,
    pooled: all,
    pooledAlone,
    accuracyMin: asAccuracy(worst),
    accuracyMean: asAccuracy(all),
    aloneAccuracyMean: asAccuracy(pooledAlone),
    modelHashes: [...new Set(views.map(({ modelHash }) => modelHash ?? 'none'))].sort(),
    bytesSentPerNode: Math.round(sum(views.map(({ bytesOut }) => bytesOut)) / views.length),
    denseBytesPerNode: denseBytes(sharedSize(spec), spec.rounds, last.nodes.length),
    bootstrapsAlive: last.bootstrapsAlive,
    rounds: spec.rounds,
    countedRounds: Math.min(...views.map(({ countedRounds }) => countedRounds)),
    outcome: outcomeOfAll(last),
    outcomes: Object.fromEntries(last.nodes.map(({ name, view }) => [name, view?.outcome ?? null])),
    seconds: Math.round(seconds * 10) / 10,
  };
}
