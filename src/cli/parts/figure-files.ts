/** Figures of nodes in files of other programs, as commands offer them. */

import type { Hello, Update } from '../../api/live.ts';
import { openMlflow } from '../../api/mlflow.ts';
import { mlflowPass } from '../../api/mlflow-client.ts';
import { openScalarCsv } from '../../api/scalar-csv.ts';
import { type ScalarSink, SettledFigures } from '../../api/settled-figures.ts';
import { openTensorboard } from '../../api/tensorboard.ts';
import { reasonOf } from '../../core/as-error.ts';
import type { NodeEvent } from '../../node/events.ts';
import { Histories } from '../../node/view/histories.ts';
import type { RunView } from '../../node/view/run-view.ts';
import type { FigureOptions } from './figure-options.ts';
import { checkWritable } from './may-write.ts';

/** What a run is described by. */
type Described = Pick<RunView, 'runId' | 'run' | 'outcome'>;

export class FigureFiles {
  #sinks: readonly ScalarSink[];
  readonly #settled: SettledFigures;
  readonly #histories = new Histories();
  /** What was told of nodes that are watched, by node and run. */
  readonly #watched = new Map<string, Described>();

  /** `name`: what figures of a node that runs here are under; null: the beginning of its key. */
  readonly #name: string | null;

  /** Null where nobody asked. @throws system errors; BAD_USAGE where the CSV file holds something else, or MLflow cannot be there */
  static open(
    { tensorboard, csv, mlflow, name = null }: FigureOptions & { readonly name?: string | null | undefined },
    tell: (sentence: string) => void,
  ): FigureFiles | null {
    checkWritable(csv);
    const sinks = [
      ...(mlflow === undefined ? [] : [openMlflow({ url: mlflow, pass: mlflowPass(process.env), tell })]),
      ...(csv === undefined ? [] : [openScalarCsv(csv)]),
      ...(tensorboard === undefined ? [] : [openTensorboard(tensorboard)]),
    ];
    return sinks.length === 0 ? null : new FigureFiles(sinks, name, tell);
  }

  private constructor(sinks: readonly ScalarSink[], name: string | null, tell: (sentence: string) => void) {
    this.#name = name;
    this.#sinks = sinks;
    this.#settled = new SettledFigures((scalar) => {
      for (const sink of this.#sinks) {
        try {
          sink.write(scalar);
        } catch (error) {
          // A disk that is full ends no training.
          this.#sinks = this.#sinks.filter((each) => each !== sink);
          tell(`figures are written no more: ${reasonOf(error)}`);
        }
      }
    });
  }

  /** Of a node that runs here. */
  hearEvent(event: NodeEvent): void {
    const note = this.#histories.note(event);
    if (note?.kind !== 'figures' || event.runId === null) return;
    const { runId, atMs } = event;
    this.#settled.note({ node: this.#nameOf(event.node), runId, round: note.round, atMs }, note.figures);
  }

  /** How runs of a node that runs here stand. */
  hearViews(views: readonly RunView[]): void {
    for (const view of views) this.#describe(this.#nameOf(view.peerKey), view);
  }

  /** Of nodes that are watched. */
  hearUpdate({ node, renewed, views = [], changes = [], notes = [] }: Update): void {
    for (const view of views) this.#describeWatched(node, view);
    for (const { runId, fields } of changes) {
      const before = this.#watched.get(`${node} ${runId}`);
      const { run = before?.run ?? null, outcome = before?.outcome ?? null } = fields;
      if (before && (run !== before.run || outcome !== before.outcome)) {
        this.#describeWatched(node, { runId, run, outcome });
      }
    }
    if (renewed) this.hearRecord({ nodes: [renewed], events: [] });
    const atMs = Date.now();
    for (const { runId, note } of notes) {
      if (note.kind === 'figures') this.#settled.note({ node, runId, round: note.round, atMs }, note.figures);
    }
  }

  /** What was not told yet is taken over. */
  hearRecord({ nodes }: Hello): void {
    const atMs = Date.now();
    for (const { id: node, runs } of nodes) {
      for (const { view, history } of runs) {
        this.#describeWatched(node, view);
        for (const { round, ...figures } of history.points) {
          this.#settled.note({ node, runId: view.runId, round, atMs }, figures);
        }
      }
    }
  }

  async close(): Promise<void> {
    this.#settled.end();
    await Promise.all(this.#sinks.map((sink) => sink.close()));
  }

  #nameOf(key: string): string {
    return this.#name ?? key.slice(0, 8);
  }

  #describeWatched(node: string, { runId, run, outcome }: Described): void {
    this.#watched.set(`${node} ${runId}`, { runId, run, outcome });
    this.#describe(node, { runId, run, outcome });
  }

  #describe(node: string, { runId, run, outcome }: Described): void {
    if (run === null) return;
    const { name, method, parameters, rounds, slotMs } = run;
    for (const sink of this.#sinks) {
      sink.describe?.({ node, runId }, { runId, name, method, parameters, rounds, slotMs, outcome });
    }
  }
}
