/** Runs on real nodes in this process, each with a trainer of its own. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { vectorHash } from '../../src/learning/initial.ts';
import { ExaminedTrainer } from '../../src/learning/process/examined-trainer.ts';
import { identityFromSeed } from '../../src/network/identity.ts';
import { tcpProfile } from '../../src/network/profiles/tcp.ts';
import { createNode } from '../../src/node/create-node.ts';
import { createRun } from '../../src/node/files/manifest-file.ts';
import { trainerLearners } from '../../src/node/learners.ts';
import type { RunSession } from '../../src/node/run-session.ts';
import { openLevelStore } from '../../src/platform/node/level-store.ts';
import { wallClock } from '../../src/platform/node/wall-clock.ts';
import { type RunSpec, runSpecSchema, trainingSchema } from '../../src/run/run-spec.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { eventually } from '../network/real-hosts.ts';

export interface Site {
  readonly line: string;
  readonly data: string;
  readonly modelFile?: string;
}

const deadlineMs = 240_000;
const options = {} as Readonly<Record<string, never>>;

/** The model of a run, and the vector that it begins at, as this trainer has them. */
export async function ownModel({ line, data }: Site) {
  const signal = AbortSignal.timeout(deadlineMs);
  const trainer = await ExaminedTrainer.make({ command: { line }, clock: wallClock, onPrinted() {}, signal });
  try {
    const { parameters } = await trainer.describe();
    const work = {
      model: { kind: 'external', parameters, initHash: '00'.repeat(32) },
      task: { kind: 'external', options },
      training: trainingSchema.parse({}),
      ...{ rounds: 1, seed: 1, dataPath: data },
    } as const;
    await trainer.ready(work);
    const start = await trainer.start(work, true);
    return { model: { ...work.model, initHash: vectorHash(start) }, start };
  } finally {
    await trainer.remove();
  }
}

/** A run of one node for each site, begun; `printed` is told what the trainers print. */
export async function begin(
  t: TestContext,
  sites: readonly Site[],
  fields: Partial<RunSpec> & Pick<RunSpec, 'model'>,
  printed: (line: string, site: number) => void = () => {},
): Promise<readonly RunSession[]> {
  const spec = runSpecSchema.parse({
    name: 'trained',
    task: { kind: 'external' },
    strategy: { id: 'delta-log', expectedPeers: sites.length, windowRounds: 3, admitRounds: 1 },
    // Trainers take long to start: what one of them does alone is not counted.
    ...{ rounds: 6, slotMs: 1500, publishersMin: sites.length },
    ...fields,
  });
  const run = createRun(spec, Date.now() + 2000, crypto, signerOf(9));
  const directory = await mkdtemp(join(tmpdir(), 'starlings-trained-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const sessions: RunSession[] = [];
  let bootstrap: readonly string[] = [];
  for (const [place, { line, data, modelFile }] of sites.entries()) {
    const store = await openLevelStore(join(directory, `store-${place}`));
    const learners = trainerLearners({ line }, (_, text) => printed(text, place));
    const node = await createNode({
      identity: identityFromSeed(randomBytes(32)),
      profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
      ...{ bootstrap, store, clock: wallClock, random: Math.random, learners },
    });
    t.after(async () => {
      await node.close();
      await store.close();
    });
    bootstrap = node.addresses();
    sessions.push(node.join(run, { data, backend: 'wasm', ...(modelFile ? { modelFile } : {}) }));
  }
  await Promise.all(sessions.map((session) => session.started));
  return sessions;
}

/** To the end, with one model that all contributed to. */
export async function finished(sessions: readonly RunSession[]): Promise<void> {
  const done = (): boolean => sessions.every((session) => session.status().phase === 'finished');
  await eventually('all have finished', done, deadlineMs);
  const ends = sessions.map((session) => session.status());
  assert.equal(new Set(ends.map(({ modelHash }) => modelHash)).size, 1);
  for (const { contributions } of ends) {
    assert.equal([...contributions.values()].filter(({ deltas }) => deltas > 0).length, sessions.length);
  }
}
