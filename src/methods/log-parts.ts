/** What the log of any run is made of: its kinds, the constants it goes by, the forms of its envelopes. */
import { Credentials } from '../core/credentials.ts';
import type { RunFrame } from '../core/run-frame.ts';
import type { EnvelopeContext } from '../log/envelope.ts';
import type { Kinds, LogFrame, LogState } from '../log/log-state.ts';
import { rowsPerRoundMax } from '../log/wire.ts';
import type { CoreDependencies } from './core-dependencies.ts';

export interface LogParts {
  readonly kinds: Kinds;
  readonly frame: LogFrame;
  readonly credentials: Credentials;
  readonly envelopes: EnvelopeContext;
  /** What the log comes to, as bytes, to be read at once: whoever comes to the same has the same hash. */
  resultOf(state: Readonly<LogState>): Uint8Array;
}

type Crowd = ReadonlyArray<Pick<Kinds[number], 'entriesPerRoundMax'>>;

/** Entries that a round of these kinds may have. */
export function entriesOf(kinds: Crowd): number {
  return kinds.reduce((sum, { entriesPerRoundMax }) => sum + entriesPerRoundMax, 0);
}

/** Entries of a round that an answer has room for beside those of other kinds. */
export function roomBeside(kinds: Crowd): number {
  return rowsPerRoundMax - entriesOf(kinds);
}

/** What follows from the kinds alone. @throws RangeError where a round of all of them would not fit into an answer */
export function partsOfKinds(
  kinds: Kinds,
  manifest: RunFrame,
  runId: string,
  {
    crypto,
    shared,
    inlineMax,
    credential,
  }: Pick<CoreDependencies, 'crypto' | 'shared' | 'inlineMax' | 'credential'>,
): Pick<LogParts, 'kinds' | 'credentials' | 'envelopes'> {
  const room = roomBeside(kinds);
  if (room < 0)
    throw new RangeError(`the kinds of the run may have ${rowsPerRoundMax - room} entries in a round`);
  const credentials = new Credentials(manifest, runId, crypto, credential);
  const bodyBytesMax = kinds.map((kind) => kind.bodyBytesMax);
  return { kinds, credentials, envelopes: { runId, crypto, bodyBytesMax, shared, inlineMax, credentials } };
}
