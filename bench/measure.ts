/** What the benchmarks print and how they time: tasks in turn, medians, a ratio to a reference of the same run. */
import { median } from '../src/math/statistics.ts';

/** One line of `--json`; `ratio` is medianMs over that of the reference, lower is better. */
export interface Measurement {
  readonly name: string;
  readonly medianMs: number;
  readonly reference: string;
  readonly ratio: number;
  readonly runs: number;
}

export interface Runs {
  readonly warmUp: number;
  readonly counted: number;
}

/** Times all tasks in turn, round after round, so that a change in the machine's speed meets all of them. */
export function measure(
  tasks: Readonly<Record<string, () => void>>,
  reference: string,
  runs: Runs,
): Measurement[] {
  const names = Object.keys(tasks);
  const times = new Map(names.map((name) => [name, [] as number[]]));
  for (let run = -runs.warmUp; run < runs.counted; run++) {
    for (const name of names) {
      const startMs = performance.now();
      tasks[name]!();
      const tookMs = performance.now() - startMs;
      if (run >= 0) times.get(name)!.push(tookMs);
    }
  }
  const referenceMs = median(times.get(reference)!);
  return names.map((name) => {
    const medianMs = median(times.get(name)!);
    return { name, medianMs, reference, ratio: medianMs / referenceMs, runs: runs.counted };
  });
}

/** For people a line of what was set and a table, for machines one object. */
export function printRows(settings: object, rows: readonly object[], json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ ...settings, rows }));
    return;
  }
  console.log(
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}`)
      .join('  '),
  );
  console.table(rows);
}
