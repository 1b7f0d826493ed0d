/**
 * Figures to a tracking server of MLflow by its REST API (mlflow/protos/service.proto, `api/2.0/mlflow`): one of its runs for each run and
 * node, taken up again where the node was there before. What waits is bounded, and a server that is away stops nothing.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type MlflowAnswer, MlflowClient, type MlflowTarget } from './mlflow-client.ts';
import type { RunDescription, Scalar, ScalarSink } from './settled-figures.ts';

const experimentName = 'starlings';
/** Of one request; the server takes a thousand. */
const batchMax = 500;
/** Figures that wait for a server that is away; then the oldest go. Two hours of a node with ten figures a second. */
const waitingMax = 50_000;
const [retryFirstMs, retryMostMs] = [1_000, 60_000];
/** At the end, for what waits yet. */
const lastMs = 10_000;
/** Where it was away already. */
const lastWhereAwayMs = 1_000;

export interface MlflowOptions extends MlflowTarget {
  /** One sentence for people, never with a secret. */
  readonly tell: (sentence: string) => void;
  readonly waitingMax?: number;
  readonly retryFirstMs?: number;
  readonly lastMs?: number;
}

interface Tracked {
  readonly node: string;
  readonly runId: string;
  description: RunDescription | null;
  /** Of the server; null before it is known. */
  id: string | null;
  isDescribed: boolean;
}

/** @throws MlflowTargetError */
export function openMlflow(options: MlflowOptions): ScalarSink {
  return new Mlflow(options);
}

class Mlflow implements ScalarSink {
  readonly #options: MlflowOptions;
  readonly #client: MlflowClient;
  readonly #tracked = new Map<string, Tracked>();
  readonly #stopper = new AbortController();
  #waiting: Scalar[] = [];
  #lost = 0;
  #experiment: string | null = null;
  #trouble: string | null = null;
  #working: Promise<void> | null = null;

  constructor(options: MlflowOptions) {
    this.#options = options;
    this.#client = new MlflowClient(options, this.#stopper.signal);
  }

  describe(of: Pick<Scalar, 'node' | 'runId'>, description: RunDescription): void {
    const tracked = this.#of(of);
    if (JSON.stringify(tracked.description) === JSON.stringify(description)) return;
    tracked.description = description;
    tracked.isDescribed = false;
    this.#begin();
  }

  write(scalar: Scalar): void {
    if (!Number.isFinite(scalar.value)) return;
    this.#of(scalar);
    this.#waiting.push(scalar);
    const over = this.#waiting.length - (this.#options.waitingMax ?? waitingMax);
    if (over > 0) {
      this.#waiting = this.#waiting.slice(over);
      if (this.#lost === 0)
        this.#options.tell('figures for MLflow wait in such numbers that the oldest are dropped');
      this.#lost += over;
    }
    this.#begin();
  }

  async close(): Promise<void> {
    const { tell, lastMs: most = lastMs } = this.#options;
    const over = setTimeout(
      () => this.#stopper.abort(),
      this.#trouble === null ? most : Math.min(most, lastWhereAwayMs),
    );
    try {
      await this.#working;
      if (!this.#stopper.signal.aborted && this.#trouble === null) await this.#endAll();
    } finally {
      clearTimeout(over);
      this.#stopper.abort();
    }
    const lost = this.#lost + this.#waiting.length;
    if (lost > 0) tell(`MLflow was not told ${lost} figures`);
  }

  #of({ node, runId }: Pick<Scalar, 'node' | 'runId'>): Tracked {
    const key = `${node}/${runId}`;
    const tracked = this.#tracked.get(key) ?? { node, runId, description: null, id: null, isDescribed: true };
    this.#tracked.set(key, tracked);
    return tracked;
  }

  #begin(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  /** Until nothing waits. Never rejects. */
  async #work(): Promise<void> {
    const { signal } = this.#stopper;
    for (let retryMs = this.#options.retryFirstMs ?? retryFirstMs; !signal.aborted; ) {
      // What comes in the same breath goes in the same request.
      await delay(0);
      const tracked = this.#next();
      if (tracked === null) return;
      const answer = await this.#send(tracked);
      if (signal.aborted) return;
      if (answer.kind !== 'away') {
        this.#recovered();
        retryMs = this.#options.retryFirstMs ?? retryFirstMs;
        continue;
      }
      this.#away(answer.why);
      await delay(retryMs, undefined, { signal }).catch(() => {});
      retryMs = Math.min(retryMostMs, 2 * retryMs);
    }
  }

  #next(): Tracked | null {
    const [first] = this.#waiting;
    if (first) return this.#of(first);
    return [...this.#tracked.values()].find(({ isDescribed }) => !isDescribed) ?? null;
  }

  async #send(tracked: Tracked): Promise<MlflowAnswer<unknown>> {
    const known = await this.#identify(tracked);
    if (known.kind !== 'ok') return known;
    const batch = this.#waiting
      .filter(({ node, runId }) => node === tracked.node && runId === tracked.runId)
      .slice(0, batchMax);
    const { description } = tracked;
    const answer = await this.#client.post('runs/log-batch', {
      run_id: tracked.id,
      metrics: batch.map(({ tag, value, round, atMs }) => ({
        ...{ key: mlflowKey(tag), value, step: round, timestamp: Math.round(atMs) },
      })),
      params: tracked.isDescribed || description === null ? [] : paramsOf(description),
    });
    if (answer.kind === 'away') return answer;
    const sent = new Set(batch);
    this.#waiting = this.#waiting.filter((scalar) => !sent.has(scalar));
    if (tracked.description === description) tracked.isDescribed = true;
    if (answer.kind === 'refused') {
      this.#lost += batch.length;
      this.#told(`MLflow at ${this.#client.shown} does not take figures: ${answer.why}`);
    }
    return answer;
  }

  /** The server's run of the node, made where there is none. */
  async #identify(tracked: Tracked): Promise<MlflowAnswer<unknown>> {
    if (tracked.id !== null) return { kind: 'ok', value: null };
    const experiment = await this.#experimentId();
    if (experiment.kind !== 'ok') return experiment;
    const found = await this.#client.findRun(experiment.value, tracked);
    if (found.kind !== 'ok') return found;
    const made = found.value === null ? await this.#client.createRun(experiment.value, tracked) : found;
    if (made.kind === 'ok') tracked.id = made.value;
    return made;
  }

  async #experimentId(): Promise<MlflowAnswer<string>> {
    if (this.#experiment !== null) return { kind: 'ok', value: this.#experiment };
    const answer = await this.#client.experiment(experimentName);
    if (answer.kind === 'ok') this.#experiment = answer.value;
    return answer;
  }

  /** Says of each run what came of it. */
  async #endAll(): Promise<void> {
    for (const { id, description } of this.#tracked.values()) {
      if (id === null) continue;
      const status = description?.outcome === 'trained' ? 'FINISHED' : 'KILLED';
      await this.#client.post('runs/update', { run_id: id, status, end_time: Date.now() });
    }
  }

  #away(why: string): void {
    this.#told(
      `MLflow at ${this.#client.shown} cannot be told figures, which wait for it; training goes on: ${why}`,
    );
  }

  #recovered(): void {
    if (this.#trouble === null) return;
    this.#trouble = null;
    this.#options.tell(`MLflow at ${this.#client.shown} is told figures again`);
  }

  /** Once until it is over. */
  #told(sentence: string): void {
    if (this.#trouble !== null) return;
    this.#trouble = sentence;
    this.#options.tell(sentence);
  }
}

/** What MLflow takes as the name of a metric; a slash groups them. */
function mlflowKey(tag: string): string {
  return tag.replaceAll(/[^\w\-./ ]/g, '_').slice(0, 250);
}

function paramsOf({ name, method, parameters, rounds, slotMs, runId }: RunDescription) {
  const params = { run: name, run_id: runId, method, parameters, rounds, slot_ms: slotMs };
  return Object.entries(params).map(([key, value]) => ({ key, value: String(value) }));
}
