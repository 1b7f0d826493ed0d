/** Watches a simulation and writes its chronicle: a row per round, the network as it looked, and what is known at the end. */
import type { ProtocolEvent } from '../src/core/io.ts';
import type { Metrics } from '../src/tasks/metrics.ts';
import type { ChronicleNode, RoundRow, TopologyFrame } from './chronicle.ts';
import type { Engine } from './engine.ts';
import { distanceToMean } from './final-models.ts';
import type { WorldPeers } from './population.ts';

/** Peers drawn, models compared for the consensus distance, rounds drawn and rounds measured: at most so many. */
const nodesDrawnMax = 300;
const modelsComparedMax = 64;
const framesMax = 40;

export interface RecorderOptions {
  /** Rounds in which models are compared and one is evaluated, at most, evenly over the run. */
  readonly measurementsMax: number;
  readonly rounds: number;
  readonly slotMs: number;
  readonly startAtMs: number;
  readonly peers: WorldPeers;
  /** Evaluates a model along the way; null to neither evaluate nor compare models, which costs time. */
  readonly evaluate: ((parameters: Float32Array) => Promise<Metrics>) | null;
  readonly engine: () => Engine;
}

interface Counts {
  losses: number;
  staleness: number;
  accepted: number;
  published: number;
  skipped: number;
}

export class Recorder {
  readonly frames: TopologyFrame[] = [];
  readonly nodes: readonly ChronicleNode[];
  readonly #options: RecorderOptions;
  readonly #rows: Array<Omit<RoundRow, 'accuracy' | 'heldOutLoss' | 'measure'>> = [];
  readonly #measurements = new Map<number, Promise<Metrics>>();
  readonly #drawn: readonly number[];
  #counts: Counts = noCounts();
  #sentBytes = 0;
  #receivedBytes = 0;
  #trainedUs = 0;
  #sinceUs = 0;
  #published = 0;
  #bodyBytes = 0;
  #stalenessSum = 0;
  #acceptedSum = 0;
  #busyUs = 0;
  #livedUs = 0;
  #round = -1;

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { roles, placement } = options.peers;
    const count = roles.length;
    const step = Math.max(1, count / nodesDrawnMax);
    this.#drawn = Array.from({ length: Math.min(count, nodesDrawnMax) }, (_, i) => Math.floor(i * step));
    this.nodes = this.#drawn.map((peer, i) => {
      const angle = (2 * Math.PI * i) / this.#drawn.length;
      return {
        peer,
        x: placement ? (placement.longitude[peer]! + 180) / 360 : 0.5 + 0.45 * Math.cos(angle),
        y: placement ? (90 - placement.latitude[peer]!) / 180 : 0.5 + 0.45 * Math.sin(angle),
        region: placement ? placement.regions[placement.region[peer]!]! : '',
        adversary: roles[peer]?.behaviour.id ?? null,
      };
    });
  }

  /** To be told of every protocol event. Returns whether a new round has begun somewhere. */
  note(timeUs: number, event: ProtocolEvent): boolean {
    const counts = this.#counts;
    switch (event.kind) {
      case 'published':
        counts.published++;
        this.#published++;
        this.#bodyBytes += event.bodyBytes;
        counts.losses += event.loss;
        return false;
      case 'skipped':
        counts.skipped++;
        return false;
      case 'accepted':
        counts.accepted++;
        counts.staleness += Math.max(0, this.#slotAt(timeUs) - event.round);
        return false;
      case 'round-started':
        if (event.round <= this.#round) return false;
        this.#close(timeUs);
        this.#round = event.round;
        return true;
      case 'phase':
      case 'refused':
      case 'finalised':
      case 'passed':
      case 'restored':
      case 'equivocation':
      case 'fork':
      case 'joined':
      case 'checkpoint-missing':
      case 'diverging':
      case 'weighed':
        return false;
    }
  }

  /** Ends the last row. */
  finish(timeUs: number): void {
    if (this.#round >= 0)
      this.#close(
        Math.min(timeUs, 1000 * (this.#options.startAtMs + this.#options.rounds * this.#options.slotMs)),
      );
    this.#round = -1;
  }

  /** Fraction of the time of living peers, over all rounds, in which they trained; of the slots only, not of what follows them. */
  get utilisation(): number {
    return this.#livedUs > 0 ? Math.min(1, this.#busyUs / this.#livedUs) : 0;
  }

  /** Mean rounds between a contribution's round and the one in which a peer took it in; null where none was. */
  get stalenessMean(): number | null {
    return this.#acceptedSum > 0 ? this.#stalenessSum / this.#acceptedSum : null;
  }

  /** Mean bytes of the bodies published; 0 where none was. */
  get bodyBytesMean(): number {
    return this.#published > 0 ? this.#bodyBytes / this.#published : 0;
  }

  /** With what was measured along the way. */
  async rows(): Promise<RoundRow[]> {
    const rows: RoundRow[] = [];
    for (const row of this.#rows) {
      const measured = await this.#measurements.get(row.round);
      const { accuracy = null, loss: heldOutLoss = null, measures = [] } = measured ?? {};
      rows.push({ ...row, accuracy, heldOutLoss, measure: measures[0]?.value ?? null });
    }
    return rows;
  }

  /** Writes the row of the round that is over, where there was one. */
  #close(timeUs: number): void {
    const engine = this.#options.engine();
    const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
    const sentBytes = sum(engine.network.sentBytes);
    const receivedBytes = sum(engine.network.receivedBytes);
    const trainedUs = sum(engine.trainedUs);
    const living = engine.nodes.reduce((count, { alive }) => count + (alive ? 1 : 0), 0);
    const counts = this.#counts;
    if (this.#round >= 0) {
      const livedUs = living * (timeUs - this.#sinceUs);
      const busyUs = trainedUs - this.#trainedUs;
      this.#livedUs += livedUs;
      this.#busyUs += busyUs;
      this.#stalenessSum += counts.staleness;
      this.#acceptedSum += counts.accepted;
      const isMeasured = this.#round % Math.ceil(this.#options.rounds / this.#options.measurementsMax) === 0;
      const measured = isMeasured ? this.#measure(engine) : null;
      this.#rows.push({
        round: this.#round,
        virtualSeconds: this.#sinceUs / 1e6,
        living,
        lossMean: counts.published > 0 ? counts.losses / counts.published : null,
        consensusDistance: measured,
        bytesSent: sentBytes - this.#sentBytes,
        bytesReceived: receivedBytes - this.#receivedBytes,
        stalenessMean: counts.accepted > 0 ? counts.staleness / counts.accepted : null,
        utilisation: livedUs > 0 ? Math.min(1, busyUs / livedUs) : 0,
        published: counts.published,
        skipped: counts.skipped,
      });
      if (this.#round % Math.ceil(this.#options.rounds / framesMax) === 0) this.#drawFrame(engine, timeUs);
    }
    this.#counts = noCounts();
    this.#sentBytes = sentBytes;
    this.#receivedBytes = receivedBytes;
    this.#trainedUs = trainedUs;
    this.#sinceUs = timeUs;
  }

  /** Consensus distance now; the evaluation of one model is begun and awaited in `rows`. */
  #measure(engine: Engine): number | null {
    const { evaluate } = this.#options;
    if (!evaluate) return null;
    const honest = engine.nodes.filter(
      ({ alive, index }) => alive && this.#options.peers.roles[index] === null,
    );
    const step = Math.max(1, honest.length / modelsComparedMax);
    // Replicas with one log give one and the same vector.
    const counts = new Map<Float32Array, number>();
    for (let i = 0; i < honest.length; i += step) {
      const model = honest[Math.floor(i)]!.core!.model();
      counts.set(model, (counts.get(model) ?? 0) + 1);
    }
    const groups = [...counts].map(([model, count]) => ({ model, count }));
    if (!groups[0]) return null;
    const measurement = evaluate(groups[0].model.slice());
    // Whoever asks for the rows hears of a failure; nobody may ever ask.
    measurement.catch(() => undefined);
    this.#measurements.set(this.#round, measurement);
    return distanceToMean(groups);
  }

  #drawFrame(engine: Engine, timeUs: number): void {
    const isDrawn = new Set(this.#drawn);
    const living = this.#drawn.filter((peer) => engine.nodes[peer]!.alive);
    const edges = living.flatMap((peer) =>
      [...engine.nodes[peer]!.links.keys()]
        .filter((other) => other > peer && isDrawn.has(other))
        .map((other) => [peer, other] as const),
    );
    this.frames.push({ round: this.#round, virtualSeconds: timeUs / 1e6, living, edges });
  }

  #slotAt(timeUs: number): number {
    return Math.floor((timeUs / 1000 - this.#options.startAtMs) / this.#options.slotMs);
  }
}

function noCounts(): Counts {
  return { losses: 0, staleness: 0, accepted: 0, published: 0, skipped: 0 };
}
