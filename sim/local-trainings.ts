/** Which local training each virtual node is at, when it ends, and what it comes to where it is cut. */
import type { Output } from '../src/core/io.ts';
import type { SimEvent } from './sim-event.ts';
import type { TrainingLine, TrainingOutcome } from './training-line.ts';
import type { VirtualNode } from './virtual-node.ts';

type Trained = Extract<SimEvent, { kind: 'trained' }>;

export interface LocalTrainingsWorld {
  readonly nowUs: () => number;
  readonly line: () => TrainingLine;
  readonly streamKey: (author: string, round: number) => string;
  readonly schedule: (atUs: number, event: SimEvent) => void;
}

export class LocalTrainings {
  readonly #world: LocalTrainingsWorld;
  /** By peer: how the last one ends. */
  readonly #underWay: (Trained | undefined)[] = [];

  constructor(world: LocalTrainingsWorld) {
    this.#world = world;
  }

  begin(
    node: VirtualNode,
    { round, steps, scheduleRound, parameters }: Extract<Output, { type: 'train' }>,
  ): void {
    const { line, streamKey, nowUs } = this.#world;
    const { key, share } = node.plan;
    const request = { parameters, steps, round: scheduleRound, streamKey: streamKey(key, round), share };
    const training = line();
    this.#endsWith(node, {
      round,
      request,
      beganUs: nowUs(),
      outcome: training.isInstant ? null : training.train(request),
    });
  }

  /** As a learner that has made enough steps: the one under way is made, and none after it. */
  cut(node: VirtualNode, round: number): void {
    const end = this.#underWay[node.index];
    if (end?.round !== round || !node.is(end.incarnation)) return;
    const { request, beganUs } = end;
    const hasFailed = end.outcome !== null && 'ok' in end.outcome && !end.outcome.ok;
    const begun = Math.ceil((this.#world.nowUs() - beganUs) / (node.plan.msPerStep * 1000));
    const steps = Math.max(1, begun);
    if (hasFailed || steps >= request.steps) return;
    const outcome = this.#world.line().trainPart(request, steps);
    this.#endsWith(node, { round, request: { ...request, steps }, beganUs, outcome });
  }

  /** Whether the training that ends so has not been cut before. */
  ends(node: VirtualNode, event: Trained): boolean {
    return this.#underWay[node.index] === event;
  }

  outcomeOf({ outcome, request }: Trained): TrainingOutcome | Promise<TrainingOutcome> {
    return outcome ?? this.#world.line().train(request);
  }

  #endsWith(
    node: VirtualNode,
    { round, request, beganUs, outcome }: Pick<Trained, 'round' | 'request' | 'beganUs' | 'outcome'>,
  ): void {
    const durationUs = Math.ceil(request.steps * node.plan.msPerStep * 1000);
    const { index: peer, incarnation } = node;
    const end: Trained = { kind: 'trained', peer, incarnation, round, request, beganUs, durationUs, outcome };
    this.#underWay[peer] = end;
    this.#world.schedule(Math.max(this.#world.nowUs(), beganUs + durationUs), end);
  }
}
