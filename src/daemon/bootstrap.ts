/** A node of the DHT alone: the way in for others. It takes part in no run and learns nothing. */
import { createBootstraps } from '../network/discovery/bootstraps.ts';
import { createHost, type Host } from '../network/host/host.ts';
import { loadIdentity } from '../network/identity.ts';
import { Teardown } from '../node/teardown.ts';
import { openLevelStore } from '../platform/node/level-store.ts';
import { keepHeapsSmallStill, releaseGarbage } from '../platform/node/small-heap.ts';
import { wallClock } from '../platform/node/wall-clock.ts';
import type { DaemonInfo } from './daemon-info.ts';
import { daemonProfile } from './daemon-profile.ts';
import { keyFileOf, type NodeDirectory, openNodeDirectory } from './directory.ts';
import { networkTrouble } from './network-trouble.ts';
import type { BootstrapOptions, RunningDaemon } from './options.ts';
import { whenAborted } from './when-aborted.ts';

/** A bootstrap has no API: who looks into its directory finds where it is reached now. Returns what ends that. */
function keepInfo(host: Host, directory: NodeDirectory, infoNow: () => DaemonInfo): () => Promise<void> {
  let written: Promise<void> = Promise.resolve();
  const write = (): void => {
    // What cannot be written costs a look, not the bootstrap.
    written = written.then(() => directory.announceReady(infoNow())).catch(() => {});
  };
  host.libp2p.addEventListener('self:peer:update', write);
  return () => {
    host.libp2p.removeEventListener('self:peer:update', write);
    return written;
  };
}

/** @throws one error with a sentence for everything a user can get wrong; nothing keeps running then. */
export async function startBootstrap(options: BootstrapOptions, signal: AbortSignal): Promise<RunningDaemon> {
  const directory = openNodeDirectory(options.directory, options.logLevel, options.tell);
  const { log } = directory;
  const teardown = new Teardown((error) => log.error({ err: error }, 'while taking down'));
  teardown.add(() => directory.close());
  try {
    return await begin(options, directory, teardown, signal);
  } catch (error) {
    log.error({ err: error }, 'could not start');
    await teardown.run();
    throw error;
  }
}

async function begin(
  options: BootstrapOptions,
  directory: NodeDirectory,
  teardown: Teardown,
  signal: AbortSignal,
): Promise<RunningDaemon> {
  const { log } = directory;
  // Nothing is kept in it: its lock says that nobody else uses this directory and its identity.
  const store = await openLevelStore(directory.storeDirectory);
  teardown.add(() => store.close());
  const identity = await loadIdentity(keyFileOf(directory.path));
  const host = await createHost({
    identity,
    profile: await daemonProfile(
      { listen: options.listen, announce: options.announce },
      options.connectivity,
    ),
    carriesRuns: false,
  });
  teardown.add(() => host.stop());
  await host.start();
  const bootstraps = createBootstraps({
    host,
    addresses: options.bootstrap,
    clock: wallClock,
    random: Math.random,
    onEvent(event) {
      log.info(event, event.kind);
      const trouble = networkTrouble(event);
      if (trouble !== null) options.tell(trouble);
    },
  });
  bootstraps.start();
  teardown.add(() => bootstraps.stop());
  const infoNow = (): DaemonInfo => ({
    ...{ pid: process.pid, http: null, peerId: host.libp2p.peerId.toString(), peerKey: identity.key },
    addresses: host.possibleAddresses(),
    untried: host.untried(),
  });
  const info = infoNow();
  await directory.announceReady(info);
  teardown.add(keepInfo(host, directory, infoNow));
  log.info({ addresses: info.addresses }, 'ready');
  keepHeapsSmallStill();
  releaseGarbage();
  const closed = whenAborted(signal).then(async () => {
    log.info('stopping');
    await teardown.run();
  });
  return { info, closed };
}
