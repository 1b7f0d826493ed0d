/** What the log of any run is made of: its kinds, the constants it goes by, the forms of its envelopes. */
import type { Credentials } from '../core/credentials.ts';
import type { Output } from '../core/io.ts';
import type { EnvelopeContext } from '../log/envelope.ts';
import type { Kinds, LogFrame, LogState } from '../log/log-state.ts';
import { rowsPerRoundMax } from '../log/wire.ts';

export interface LogParts {
  readonly kinds: Kinds;
  readonly frame: LogFrame;
  readonly credentials: Credentials;
  readonly envelopes: EnvelopeContext;
  /** What the log comes to, as bytes: whoever comes to the same has the same hash. */
  resultOf(state: Readonly<LogState>): Uint8Array;
}

/** @throws RangeError where a round of all of them would not fit into an answer */
export function checkRows(kinds: Kinds): void {
  const rows = kinds.reduce((sum, { entriesPerRoundMax }) => sum + entriesPerRoundMax, 0);
  if (rows > rowsPerRoundMax)
    throw new RangeError(`the kinds of the run may have ${rows} entries in a round`);
}

/** What a core puts out, its requests with what entitles us to ask. */
export function withCredential(out: readonly Output[], credentials: Credentials): Output[] {
  return out.map((output) =>
    output.type === 'request' ? { ...output, bytes: credentials.enclosed(output.bytes) } : output,
  );
}
