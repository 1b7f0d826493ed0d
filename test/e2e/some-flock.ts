/** A flock that is made up, and told to whoever watches as nodes would tell it. */
import { type Hello, type LiveFeed, type LiveNode, LiveState, type Update } from '../../src/api/live.ts';
import { RunHistory } from '../../src/node/view/run-history.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import { someView } from '../node/some-view.ts';

export const keyOf = (index: number): string => index.toString(16).padStart(2, '0').repeat(32);

/** As of `round`, with a loss that falls and histories that agree. */
function nodeOf(index: number, names: readonly string[], round: number): LiveNode {
  const keys = names.map((_, each) => keyOf(each));
  const history = new RunHistory();
  for (let past = 0; past <= round; past++) {
    const part = past / (past + 20);
    history.note(past, {
      ...{ loss: 2.3 * Math.exp(-past / 15) + 0.02 * index, lag: 0, behind: Math.min(past + 1, 6) },
      ...{ bytesOut: 3e5 + 4e4 * past, bytesIn: 3e5 + 4e4 * past },
      ...(past % 5 === 0 ? { accuracy: part, heldOutLoss: 1 - part } : {}),
    });
    if (past <= round - 6)
      history.close({ round: past, root: `${past}`.padStart(64, 'e'), entries: names.length });
  }
  const others = keys.filter((_, each) => each !== index);
  const view: RunView = someView({
    ...{
      runId: flockRun,
      peerKey: keys[index]!,
      phase: 'training',
      round,
      roundsDone: round,
      finalisedRound: round - 6,
    },
    ...{ accuracy: 0.9, accuracyRound: round, loss: 0.2, peers: others.length, slotMs: 1000 },
    ...{ bytesIn: 4e6, bytesOut: 4e6 },
    members: {
      ...{ known: names.length, here: names.length, linked: others, present: others, missing: [] },
      names: Object.fromEntries(keys.map((key, each) => [key, names[each]!])),
    },
    contributions: keys.map((peer) => ({ peer, deltas: round - 5, share: 1 / keys.length })),
    run: {
      ...{
        name: 'demo',
        method: 'delta-log',
        trains: true,
        shareOf: 'norm',
        parameters: 50_890,
        rounds: 200,
      },
      ...{
        slotMs: 1000,
        startAtMs: Date.now() - 1000 * round,
        creator: null,
        protects: [],
        windowRounds: 6,
        admission: 'open',
        isHidden: false,
      },
    },
  });
  const name = names[index]!;
  return {
    ...{ id: name, name, peerKey: keys[index]!, isUp: true },
    settings: {
      ...{ version: '1', node: 'v22', platform: 'linux', listen: [], announce: [], bootstrap: [], trust: [] },
      ...{ connectivity: null, retention: 'snapshots', contentBytesMax: 0, logLevel: 'info', limits: {} },
      addresses: [`/ip4/192.0.2.${index}/tcp/4001/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X`],
      untried: [],
    },
    runs: [{ view, history: history.data() }],
  };
}

export const flockRun = 'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse';

export interface MadeUpFlock extends LiveFeed {
  tell(update: Update): void;
}

export function someFlock(names: readonly string[], round: number): MadeUpFlock {
  const state = new LiveState();
  state.greet({ nodes: names.map((_, index) => nodeOf(index, names, round)), events: [] });
  const listeners = new Set<(update: Update) => void>();
  return {
    hello: (): Hello => state.hello(),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell: (update) => {
      state.apply(update);
      for (const listener of listeners) listener(update);
    },
  };
}
