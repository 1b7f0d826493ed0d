/** The run that an arena is. */
import type { Shard } from '../../../entries/arena/arena-rules.ts';
import { type RunSpec, runSpecSchema } from '../../../run/run-spec.ts';

export interface ArenaPlan {
  readonly name: string;
  /** For submissions. */
  readonly rounds: number;
  /** Each for commitments, reveals and recounts. */
  readonly judgingRounds: number;
  readonly slotMs: number;
  /** Of a model file. */
  readonly bytesMax: number;
  readonly shards: readonly Shard[];
}

/** @throws ZodError for shards that are none */
export function arenaSpec({ name, rounds, judgingRounds, slotMs, bytesMax, shards }: ArenaPlan): RunSpec {
  const until = (part: number): number => rounds + (part - 1) * judgingRounds - 1;
  return runSpecSchema.parse({
    ...{ name, model: { kind: 'nothing' }, task: { kind: 'nothing' } },
    strategy: {
      id: 'log',
      windowRounds: 3,
      kinds: [
        {
          ...{ id: 'submission', untilRound: until(1), bytesMax },
          // Of float32; and no key needs room for more than two of the largest.
          ...{ parametersMax: Math.ceil(bytesMax / 4), bytesPerAuthor: 2 * bytesMax },
        },
        { id: 'commit', untilRound: until(2), shards },
        { id: 'reveal', untilRound: until(3) },
        { id: 'recount', untilRound: until(4) },
      ],
    },
    // It is closed when all is counted, and final.
    ...{ rounds: 2147483647, slotMs, slotMsMax: slotMs, timeMaxMs: (until(4) + 1) * slotMs },
  });
}
