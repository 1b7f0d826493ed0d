/** Figures of nodes in files of other programs, as commands offer them. */
import type { Hello, Update } from '../../api/live.ts';
import { openScalarCsv } from '../../api/scalar-csv.ts';
import { type ScalarSink, SettledFigures } from '../../api/settled-figures.ts';
import { openTensorboard } from '../../api/tensorboard.ts';
import type { NodeEvent } from '../../node/events.ts';
import { Histories } from '../../node/histories.ts';
import type { FigureOptions } from './figure-options.ts';

export class FigureFiles {
  #sinks: readonly ScalarSink[];
  readonly #settled: SettledFigures;
  readonly #histories = new Histories();

  /** Null where nobody asked. @throws system errors; BAD_USAGE where the CSV file holds something else */
  static open({ tensorboard, csv }: FigureOptions, tell: (sentence: string) => void): FigureFiles | null {
    const sinks = [
      ...(csv === undefined ? [] : [openScalarCsv(csv)]),
      ...(tensorboard === undefined ? [] : [openTensorboard(tensorboard)]),
    ];
    return sinks.length === 0 ? null : new FigureFiles(sinks, tell);
  }

  private constructor(sinks: readonly ScalarSink[], tell: (sentence: string) => void) {
    this.#sinks = sinks;
    this.#settled = new SettledFigures((scalar) => {
      for (const sink of this.#sinks) {
        try {
          sink.write(scalar);
        } catch (error) {
          // A disk that is full ends no training.
          this.#sinks = this.#sinks.filter((each) => each !== sink);
          tell(`figures are written no more: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    });
  }

  /** Of a node that runs here. */
  hearEvent(event: NodeEvent): void {
    const note = this.#histories.note(event);
    if (note?.kind !== 'figures' || event.runId === null) return;
    const { runId, atMs } = event;
    this.#settled.note({ node: event.node.slice(0, 8), runId, round: note.round, atMs }, note.figures);
  }

  /** Of nodes that are watched. */
  hearUpdate({ node, renewed, notes = [] }: Update): void {
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
        for (const { round, ...figures } of history.points) {
          this.#settled.note({ node, runId: view.runId, round, atMs }, figures);
        }
      }
    }
  }

  close(): void {
    this.#settled.end();
    for (const sink of this.#sinks) sink.close();
  }
}
