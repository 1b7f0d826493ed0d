/** What a session is given: by whoever joins the run, and by the node that it is a part of. */
import type { ContentStore } from '../content/content-store.ts';
import type { PeerKey } from '../core/io.ts';
import type { Clock, Store } from '../core/ports.ts';
import type { PrivacyLedger } from '../learning/private/privacy-ledger.ts';
import type { Retention } from '../log/retention.ts';
import type { Host } from '../network/host/host.ts';
import type { Identity } from '../network/identity.ts';
import type { BackendChoice } from '../tensor/backend-choices.ts';
import { noData } from './commands/node-command.ts';
import type { DriverLimits } from './driver/driver-options.ts';
import type { RunEvent } from './events.ts';
import type { LearnerFactory } from './learners.ts';
import { NodeError } from './node-error.ts';

/** How a node takes part in a run. */
export interface JoinOptions {
  /** This node's own examples, for the learner. */
  readonly data: string;
  readonly backend: BackendChoice;
  readonly compareAlone?: boolean;
  /** Train even where the run's planned time is over and nobody of it is met. */
  readonly evenIfOver?: boolean;
  /** `ROUND:ROOT:SNAPSHOT`, where the history has to begin. */
  readonly checkpoint?: string | undefined;
  /** What entitles this node where a run takes who was invited: hexadecimal digits. */
  readonly credential?: string | undefined;
  /** Of a hidden run, by which alone it is found: 32 bytes. */
  readonly secret?: Uint8Array | undefined;
  /** Where the finished model is saved; its folder must exist. Left out, it is not saved. */
  readonly modelFile?: string;
  /** Where files that the manifest names are kept. */
  readonly filesFolder?: string;
  /** Of the run's slots; the node's own where left out. */
  readonly clock?: Clock;
}

/** Whether the run has a use for what it is joined with. @throws NodeError */
export function checkGiven(
  runId: string,
  isTrained: boolean,
  { data, compareAlone = false }: JoinOptions,
): void {
  if (isTrained && data === noData) {
    const message = `run ${runId} trains a model: give --data, examples of your own to learn from`;
    throw new NodeError('NO_DATA', message);
  }
  if (isTrained) return;
  const idle = [...(data === noData ? [] : ['--data']), ...(compareAlone ? ['--compare-alone'] : [])];
  if (idle.length === 0) return;
  throw new NodeError(
    'UNUSED_DATA',
    `run ${runId} keeps a log and trains nothing: ${idle.join(' and ')} would do nothing; leave it out (--no-data)`,
  );
}

/** What a session shares with the others of its node. */
export interface SessionParts {
  readonly host: Host;
  readonly identity: Identity;
  /** The run's own entries. */
  readonly store: Store;
  readonly content: ContentStore | null;
  readonly clock: Clock;
  /** Uniform in [0, 1), not to be foreseen by peers. */
  readonly random: () => number;
  readonly learners: LearnerFactory;
  readonly retention: Retention | undefined;
  readonly trusted: ReadonlySet<PeerKey> | undefined;
  readonly privacy: PrivacyLedger | null;
  readonly limits: Partial<DriverLimits>;
  readonly onEvent: (event: RunEvent) => void;
}
