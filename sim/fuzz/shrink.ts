/** From a world that goes wrong to a smaller one that still does. */
import type { ScenarioFile } from '../scenario/scenario.ts';

/** Worlds tried before the smallest so far has to do. */
const attemptsMax = 100;
const peersMin = 3;
const roundsMin = 4;

/** Greedy: takes the first simpler world that `fails` until there is none. What goes wrong may change on the way. */
export async function shrink(
  scenario: ScenarioFile,
  fails: (candidate: ScenarioFile) => Promise<boolean>,
): Promise<ScenarioFile> {
  let smallest = scenario;
  let attempts = 0;
  for (;;) {
    let isSmaller = false;
    for (const candidate of simpler(smallest)) {
      if (attempts++ >= attemptsMax) return smallest;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      isSmaller = true;
      break;
    }
    if (!isSmaller) return smallest;
  }
}

/** Worlds that are simpler in one respect, the largest steps first. */
function* simpler(scenario: ScenarioFile): Generator<ScenarioFile> {
  const { peers, network, churn, notes, run, trainingMs } = scenario;
  for (const count of [peersMin, peers >> 1, peers - 1]) {
    if (count < peersMin || count >= peers) continue;
    const stays = ({ peer }: { readonly peer: number }) => peer < count;
    yield { ...scenario, peers: count, churn: churn.filter(stays), notes: notes.filter(stays) };
  }
  if (churn.length > 1) yield { ...scenario, churn: [] };
  for (const gone of churn) yield { ...scenario, churn: churn.filter((entry) => entry !== gone) };
  for (const rounds of [roundsMin, run!.rounds >> 1, run!.rounds - 1]) {
    if (rounds >= roundsMin && rounds < run!.rounds) yield { ...scenario, run: { ...run!, rounds } };
  }
  if (network.loss > 0) yield { ...scenario, network: { ...network, loss: 0 } };
  if (network.jitterMs !== 0) yield { ...scenario, network: { ...network, jitterMs: 0 } };
  const { min, max } = network.latencyMs ?? { min: 0, max: 0 };
  if (max > min) yield { ...scenario, network: { ...network, latencyMs: { min, max: min } } };
  if (network.upBytesPerSecond !== null) {
    yield { ...scenario, network: { ...network, upBytesPerSecond: null } };
  }
  if (trainingMs.spread > 0) yield { ...scenario, trainingMs: { ...trainingMs, spread: 0 } };
}
