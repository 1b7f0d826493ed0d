/** Which local training each virtual node is at, when it ends, and what it comes to where it is cut. */
import type { Output } from '../src/core/io.ts';
import type { TrainRequest } from '../src/learning/learner.ts';
import type { SimEvent } from './sim-event.ts';
import type { TrainingLine } from './training-line.ts';
import type { VirtualNode } from './virtual-node.ts';

type Trained = Extract<SimEvent, { kind: 'trained' }>;

interface Training {
  readonly request: TrainRequest;
  readonly beganUs: number;
  readonly end: Trained;
}

export interface LocalTrainingsWorld {
  readonly nowUs: () => number;
  readonly line: () => TrainingLine;
  readonly streamKey: (author: string, round: number) => string;
  readonly schedule: (atUs: number, event: SimEvent) => void;
}

export class LocalTrainings {
  readonly #world: LocalTrainingsWorld;
  readonly #underWay = new Map<VirtualNode, Training>();

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
    const outcome = line().train(request);
    this.#endsWith(node, { request, beganUs: nowUs() }, { round, outcome }, steps);
  }

  /** As a learner that has made enough steps: the one under way is made, and none after it. */
  cut(node: VirtualNode, round: number): void {
    const training = this.#underWay.get(node);
    if (training?.end.round !== round || !node.is(training.end.incarnation)) return;
    const { request, beganUs, end } = training;
    const hasFailed = !(end.outcome instanceof Promise) && !end.outcome.ok;
    const begun = Math.ceil((this.#world.nowUs() - beganUs) / (node.plan.msPerStep * 1000));
    const steps = Math.max(1, begun);
    if (hasFailed || steps >= request.steps) return;
    const outcome = this.#world.line().trainPart(request, steps);
    this.#endsWith(node, training, { round, outcome }, steps);
  }

  /** Whether the training that ends so has not been cut before. */
  ends(node: VirtualNode, event: Trained): boolean {
    return this.#underWay.get(node)?.end === event;
  }

  #endsWith(
    node: VirtualNode,
    { request, beganUs }: Omit<Training, 'end'>,
    { round, outcome }: Pick<Trained, 'round' | 'outcome'>,
    steps: number,
  ): void {
    const durationUs = Math.ceil(steps * node.plan.msPerStep * 1000);
    const { index: peer, incarnation } = node;
    const about = { peer, incarnation, round, start: request.parameters };
    const end: Trained = { kind: 'trained', ...about, durationUs, outcome };
    this.#underWay.set(node, { request, beganUs, end });
    this.#world.schedule(Math.max(this.#world.nowUs(), beganUs + durationUs), end);
  }
}
