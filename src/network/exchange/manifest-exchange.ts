/**
 * Hands out run manifests to whoever knows the run id, of a hidden run to its members: request = frame with the id, answer = the manifest's
 * bytes or nothing, up to the end of the stream.
 * Everyone who takes part in the run serves it, and the asker checks it against the id, so any stranger will do.
 */

import type { PeerId } from '@libp2p/interface';
import { reasonOf } from '../../core/as-error.ts';
import type { Clock } from '../../core/ports.ts';
import { manifestBytesMax } from '../../run/manifest.ts';
import { pauseAfter, searchProviders } from '../discovery/provider-search.ts';
import { ManifestUnavailableError } from '../errors.ts';
import type { HiddenRun } from '../hidden-run.ts';
import type { Host } from '../host/host.ts';
import { peerKeyOf } from '../identity.ts';
import { MANIFEST_PROTOCOL } from '../protocols.ts';
import { askAboutRun, type RunAnswer, serveAboutRuns } from './run-question.ts';

const PROVIDER_TIMEOUT_MS = 10_000;

/**
 * Serves the manifests of all runs of a host until the returned function is called; once a host at a time.
 * @param lookup asked anew each time, since runs come and go: the exact bytes of the manifest
 */
export function serveManifests(host: Host, lookup: RunAnswer): Promise<() => Promise<void>> {
  return serveAboutRuns(host, MANIFEST_PROTOCOL, lookup);
}

export interface FetchManifestOptions<T> {
  readonly host: Host;
  readonly runId: string;
  /** Where strangers must not see the run. */
  readonly hidden?: HiddenRun | undefined;
  /** Checks the bytes (`openManifest`) and throws when they lie: then the next provider is asked. */
  readonly open: (bytes: Uint8Array) => T;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Ends the search; without it one goes on until somebody serves the manifest. */
  readonly signal: AbortSignal;
  /** Per provider. */
  readonly timeoutMs?: number;
  /** Told of every provider that failed and why. */
  readonly onFailure?: (provider: string, reason: string) => void;
}

/**
 * Asks the providers of the run's CID as they are found, and searches again with backoff until one of them
 * serves a manifest that holds. @throws ManifestUnavailableError when the signal ends the search.
 */
export async function fetchManifest<T>(options: FetchManifestOptions<T>): Promise<T> {
  const { host, runId, hidden, signal } = options;
  const timeoutMs = options.timeoutMs ?? PROVIDER_TIMEOUT_MS;
  let failures = 0;
  let lastReason = 'no provider was found';

  async function ask(provider: PeerId, over: AbortController): Promise<T> {
    try {
      const question = { protocol: MANIFEST_PROTOCOL, bytesMax: manifestBytesMax, timeoutMs };
      const bytes = await askAboutRun({ host, runId, hidden }, provider, question, over.signal);
      if (bytes.length === 0) throw new Error('the provider does not have it yet');
      const manifest = options.open(bytes);
      over.abort();
      return manifest;
    } catch (error) {
      if (!over.signal.aborted) {
        failures++;
        lastReason = reasonOf(error);
        options.onFailure?.(peerKeyOf(provider) ?? provider.toString(), lastReason);
      }
      throw error;
    }
  }

  /**
   * All at once: the slow and the mute among them must not hold up the one that answers. Each may send a manifest of up to 1 MiB before
   * it is found out.
   */
  async function askAll(over: AbortController): Promise<{ readonly manifest: T } | null> {
    const asked: Promise<T>[] = [];
    try {
      const onProvider = (id: PeerId): void => {
        const asking = ask(id, over);
        asking.catch(() => {});
        asked.push(asking);
      };
      await searchProviders({ host, runId, hidden, signal: over.signal, random: options.random, onProvider });
    } catch (error) {
      if (!over.signal.aborted) {
        lastReason = reasonOf(error);
      }
    }
    return Promise.any(asked).then(
      (manifest) => ({ manifest }),
      () => null,
    );
  }

  for (let attempt = 0; !signal.aborted; attempt++) {
    const over = new AbortController();
    const onAbort = () => over.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    const answer = await askAll(over);
    signal.removeEventListener('abort', onAbort);
    if (answer !== null) {
      return answer.manifest;
    }
    await pauseAfter(attempt, options);
  }
  throw new ManifestUnavailableError(
    `nobody served the manifest of run ${runId} (${failures} providers failed; last: ${lastReason}). ` +
      'Check the run id and the bootstrap addresses, or pass the manifest as a file',
  );
}
