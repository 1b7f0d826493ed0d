/** What every core that stands on a log puts out in the same way. */
import type { Credentials } from '../core/credentials.ts';
import type { Output, StoreWrite } from '../core/io.ts';
import type { LogEntry } from '../log/entry-kind.ts';
import { type EnvelopeContext, encodeEnvelope } from '../log/envelope.ts';
import type { EffectSink } from '../log/log-effect.ts';

/** Requests, with what entitles us to ask. */
export function withCredential(out: Output[], credentials: Credentials): Output[] {
  if (!credentials.areAskedFor) return out;
  return out.map((output) =>
    output.type === 'request' ? { ...output, bytes: credentials.enclosed(output.bytes) } : output,
  );
}

/** One durable transaction with all that was decided, and only then the announcement. */
export function publishEntry(
  out: Output[],
  entry: LogEntry,
  writes: readonly StoreWrite[],
  { inlineMax }: Pick<EnvelopeContext, 'inlineMax'>,
): void {
  out.push({ type: 'persist', writes, durable: true });
  out.push({ type: 'announce', bytes: encodeEnvelope(entry, inlineMax) });
}

/** For cores to which the facts of the log mean nothing but what is to be stored. */
export function storingOutlet(out: Output[]): EffectSink {
  return {
    push: (effect) => {
      if (effect.type === 'entered' || effect.type === 'left-out' || effect.type === 'switched') {
        out.push({ type: 'persist', writes: effect.writes, durable: effect.type !== 'entered' });
      } else out.push(effect);
    },
  };
}
