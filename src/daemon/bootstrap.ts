/** A node of the DHT alone: the way in for others. It takes part in no run and learns nothing. */
import { createBootstraps } from '../network/discovery/bootstraps.ts';
import { createHost } from '../network/host/host.ts';
import { loadIdentity } from '../network/identity.ts';
import { Teardown } from '../node/teardown.ts';
import { openLevelStore } from '../platform/node/level-store.ts';
import { keepHeapsSmallStill, releaseGarbage } from '../platform/node/small-heap.ts';
import { wallClock } from '../platform/node/wall-clock.ts';
import { daemonProfile } from './daemon-profile.ts';
import { keyFileOf, type NodeDirectory, openNodeDirectory } from './directory.ts';
import { networkTrouble } from './network-trouble.ts';
import type { BootstrapOptions, RunningDaemon } from './options.ts';
import { whenAborted } from './when-aborted.ts';

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
  const info = {
    pid: process.pid,
    http: null,
    peerId: host.libp2p.peerId.toString(),
    peerKey: identity.key,
    addresses: host.addresses(),
  };
  await directory.announceReady(info);
  log.info({ addresses: info.addresses }, 'ready');
  keepHeapsSmallStill();
  releaseGarbage();
  const closed = whenAborted(signal).then(async () => {
    log.info('stopping');
    await teardown.run();
  });
  return { info, closed };
}
