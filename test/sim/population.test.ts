import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fatesOfModel, type Population } from '../../sim/churn/churn-model.ts';
import { gamma, weibull } from '../../sim/churn/weibull.ts';
import { canConnect, latencyMs, placePeers } from '../../sim/network/placement.ts';
import { networkProfiles } from '../../sim/network/profiles.ts';
import {
  connectivityGraph,
  isConnected,
  NetworkGraphError,
  neighboursOf,
  reachableGraph,
} from '../../sim/network/topology.ts';
import { populate } from '../../sim/population.ts';
import { type ChurnModel, churnModelSchema } from '../../sim/scenario/churn-schema.ts';
import { loadScenario } from '../../sim/scenario/scenario.ts';
import { readCapacityTrace, readChurnTrace } from '../../sim/scenario/trace-file.ts';
import { rngFor } from '../../src/math/rng.ts';
import { makeDirectory } from '../../src/platform/node/make-directory.ts';

const firstRun = 'configs/sim/first-run.yaml';
const population: Population = { peers: 400, rounds: 200, places: null, seed: 'population' };
const modelOf = (input: unknown): ChurnModel => churnModelSchema.parse(input);

/** Peers alive at a time. */
function livingAt(model: ChurnModel, round: number, of = population): number {
  const alive = new Set<number>();
  for (const { kind, peer, atRound } of fatesOfModel(model, of).toSorted((a, b) => a.atRound - b.atRound)) {
    if (atRound > round) break;
    if (kind === 'boot') alive.add(peer);
    else alive.delete(peer);
  }
  return alive.size;
}

describe('churn', () => {
  it('draws Weibull lengths with the mean asked for, and the spread of the shape', () => {
    assert.ok(Math.abs(gamma(5) - 24) < 1e-10 && Math.abs(gamma(0.5) - Math.sqrt(Math.PI)) < 1e-10);
    for (const shape of [0.59, 1, 2]) {
      const rng = rngFor(`weibull/${shape}`);
      const lengths = Array.from({ length: 200_000 }, () => weibull(rng, shape, 7));
      const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
      const variance = lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / lengths.length;
      const expected = 49 * (gamma(1 + 2 / shape) / gamma(1 + 1 / shape) ** 2 - 1);
      assert.ok(Math.abs(mean / 7 - 1) < 0.02, `shape ${shape}: mean ${mean}`);
      assert.ok(
        Math.abs(variance / expected - 1) < 0.1,
        `shape ${shape}: variance ${variance} of ${expected}`,
      );
    }
  });

  it('tells apart who crashes, who vanishes and who is stopped, and moves nothing else by it', () => {
    const life = { session: { meanRounds: 4, shape: 1 }, absence: { meanRounds: 1 } };
    const plain = fatesOfModel(modelOf(life), population);
    const told = fatesOfModel(modelOf({ ...life, vanishShare: 0.2, leaveShare: 0.5 }), population);
    const ends = told.filter(({ kind }) => kind !== 'boot');
    const shareOf = (kind: string) => ends.filter((fate) => fate.kind === kind).length / ends.length;
    assert.ok(ends.length > 10_000);
    assert.ok(Math.abs(shareOf('vanish') - 0.2) < 0.02 && Math.abs(shareOf('leave') - 0.5) < 0.02);
    const times = (fates: typeof told) => fates.map(({ peer, atRound }) => [peer, atRound]);
    assert.deepEqual(times(told), times(plain));
  });

  it('keeps the share of peers there that stays and absences imply', () => {
    const model = modelOf({ session: { meanRounds: 4, shape: 1 }, absence: { meanRounds: 1 } });
    const living = [100, 130, 160, 190].map((round) => livingAt(model, round));
    const mean = living.reduce((sum, count) => sum + count, 0) / living.length;
    // 80 % of 400, binomial: a standard deviation of 8, of the mean of four looks 4.
    assert.ok(Math.abs(mean - 320) < 20, living.join(' '));
  });

  it('lets peers join as a Poisson process, and a crowd at once', () => {
    const joins = fatesOfModel(modelOf({ startShare: 0.25, joinsPerRound: 2 }), population)
      .map(({ atRound }) => atRound)
      .filter((round) => round >= 0);
    const first = joins.filter((round) => round < 100).length;
    // 200 expected, a standard deviation of 14; the variance of the gaps is the square of their mean.
    assert.ok(Math.abs(first - 200) < 60, String(first));
    const crowd = modelOf({ startShare: 0.1, flashCrowd: { atRound: 20, share: 0.9, withinRounds: 2 } });
    assert.equal(livingAt(crowd, 19.9), 40);
    assert.equal(livingAt(crowd, 22), 400);
  });

  it('returns by day more often than by night', () => {
    const model = modelOf({
      session: { meanRounds: 1, shape: 1 },
      absence: { meanRounds: 4 },
      diurnal: { periodRounds: 50, amplitude: 0.9 },
    });
    const returns = fatesOfModel(model, population).filter(
      ({ kind, atRound }) => kind === 'boot' && atRound > 0,
    );
    const byDay = returns.filter(({ atRound }) => Math.sin((2 * Math.PI * atRound) / 50) > 0).length;
    assert.ok(byDay > 2 * (returns.length - byDay), `${byDay} of ${returns.length}`);
  });

  it('takes a region down as a whole, and brings it back', () => {
    const places = {
      regionOf: (peer: number) => (peer % 4 === 0 ? 'east' : 'west'),
      longitude: new Float64Array(400),
    };
    const model = modelOf({ regionalFailures: [{ region: 'east', fromRound: 30, toRound: 40 }] });
    const of = { ...population, places };
    assert.deepEqual(
      [29, 31, 41].map((round) => livingAt(model, round, of)),
      [400, 300, 400],
    );
    assert.ok(fatesOfModel(model, of).every(({ kind }) => kind !== 'crash'));
  });
});

describe('places', () => {
  it('put light between Virginia and Tokyo where the clouds measure it', () => {
    const regions = networkProfiles.intercontinental.regions.filter(
      ({ name }) => name === 'us-east' || name === 'east-asia',
    );
    const spec = {
      regions: regions.map((one) => ({ ...one, radiusKm: 0 })),
      accessMs: { min: 0, max: 0 },
      nat: { open: 1, cone: 0, symmetric: 0 },
    };
    const placement = placePeers(20, spec, rngFor('places'));
    const east = placement.region.indexOf(0);
    const tokyo = placement.region.indexOf(1);
    const ms = latencyMs(placement, east, tokyo);
    // Public round trips: 145 to 165 ms.
    assert.ok(ms > 72 && ms < 83, `${ms} ms one way`);
    assert.equal(latencyMs(placement, east, east), 0);
  });

  it('connect everyone through open peers, and nobody with whom they cannot', () => {
    const { regions, accessMs, nat } = networkProfiles.home;
    const placement = placePeers(300, { regions, accessMs, nat }, rngFor('nat'));
    const open = placement.nat.flatMap((one, peer) => (one === 'open' ? [peer] : []));
    const drawn = connectivityGraph(300, 8, rngFor('drawn'));
    const graph = reachableGraph(drawn, (a, b) => canConnect(placement, a, b), open, rngFor('replaced'))!;
    assert.ok(isConnected(graph));
    for (let peer = 0; peer < 300; peer++) {
      for (const other of neighboursOf(graph, peer)) assert.ok(canConnect(placement, peer, other));
    }
    const counts = placement.nat.map((one, peer) => [one, neighboursOf(graph, peer).length] as const);
    const mean = (of: string) => {
      const degrees = counts.flatMap(([one, degree]) => (one === of ? [degree] : []));
      return degrees.reduce((sum, degree) => sum + degree, 0) / degrees.length;
    };
    assert.ok(mean('open') > 1.3 * mean('symmetric'), `${mean('open')} and ${mean('symmetric')}`);
    assert.equal(
      reachableGraph(drawn, () => false, [], rngFor('none')),
      null,
    );
  });
});

describe('the world of the first run', () => {
  const worldOf = async (seed: number) => populate(await loadScenario(firstRun, seed), `sim/${seed}`);

  it('lets everybody reach somebody, whatever the seed', async () => {
    const unlucky: number[] = [];
    for (let seed = 0; seed < 50; seed++) {
      const { graph, placement, network } = await worldOf(seed);
      assert.ok(isConnected(graph), `seed ${seed}`);
      for (let peer = 0; peer < graph.peers; peer++) {
        for (const other of neighboursOf(graph, peer)) assert.ok(canConnect(placement!, peer, other));
      }
      const first = placePeers(
        8,
        { ...networkProfiles.home, nat: network.nat },
        rngFor(`sim/${seed}/places`),
      );
      if (first.nat.some((one, peer) => one !== placement!.nat[peer])) unlucky.push(seed);
    }
    // Whose first draw would do keeps it; these once ended in a refusal.
    assert.ok(unlucky.includes(6) && unlucky.includes(9) && unlucky.length < 15, unlucky.join());
  });

  it('is refused where no draw can help', async () => {
    const scenario = await loadScenario(firstRun, 1);
    const nat = { open: 0, cone: 0, symmetric: 1 };
    assert.throws(
      () => populate({ ...scenario, network: { ...scenario.network, nat } }, 'sim/closed'),
      (error: unknown) => error instanceof NetworkGraphError && /in each of 32 draws/.test(error.message),
    );
  });
});

describe('traces', () => {
  const folder = join(tmpdir(), `starlings-traces-${process.pid}`);
  const file = async (text: string): Promise<string> => {
    await makeDirectory(folder);
    const path = join(folder, 'trace.csv');
    await writeFile(path, text);
    return path;
  };

  it('are read with or without a head', async () => {
    const steps = await readCapacityTrace(
      await file('seconds,up,down\n0,100,200\n# comment\n60,50,80\n'),
      60,
    );
    assert.deepEqual(
      steps.map(({ upBytesPerSecond }) => upBytesPerSecond),
      [100, 50],
    );
    const changes = await readChurnTrace(await file('0,1,up\n5,1,down\n'), 2, 5);
    assert.deepEqual(
      changes.map(({ up }) => up),
      [true, false],
    );
  });

  it('are refused with their line where they cannot be', async () => {
    const cases: ReadonlyArray<readonly [string, RegExp]> = [
      ['0,1,up\n5,1,down\n', /trace\.csv:2: the trace ends at 5 s, the run takes 9 s/],
      ['0,7,up\n9,1,down\n', /trace\.csv:1: there are peers 0 to 2, not 7/],
      ['5,1,up\n4,1,down\n9,1,up\n', /trace\.csv:2: times must rise/],
      ['0,1,up\n9,1,left\n', /trace\.csv:2: expected up or down, got left/],
      ['0,1\n', /trace\.csv:1: expected 3 columns, got 2/],
      ['', /holds no rows/],
    ];
    for (const [text, message] of cases)
      await assert.rejects(readChurnTrace(await file(text), 3, 9), { message });
    await assert.rejects(readCapacityTrace(join(folder, 'absent.csv'), 1), /absent\.csv: cannot be read/);
  });
});
