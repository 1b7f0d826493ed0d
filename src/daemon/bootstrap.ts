/** A node of the DHT alone: the way in for others. It takes part in no run, learns and stores nothing. */
import { createBootstraps } from '../network/bootstraps.ts';
import { createHost } from '../network/host.ts';
import { loadIdentity } from '../network/identity.ts';
import { tcpProfile } from '../network/profiles/tcp.ts';
import { wallClock } from '../platform/node/wall-clock.ts';
import { keyFileOf, openNodeDirectory } from './directory.ts';
import { networkTrouble } from './network-trouble.ts';
import type { BootstrapOptions, RunningDaemon } from './options.ts';
import { whenAborted } from './when-aborted.ts';

export async function startBootstrap(options: BootstrapOptions, signal: AbortSignal): Promise<RunningDaemon> {
  const directory = openNodeDirectory(options.directory, options.logLevel, options.tell);
  const { log } = directory;
  const identity = await loadIdentity(keyFileOf(directory.path));
  const host = await createHost({
    identity,
    profile: tcpProfile({ listen: options.listen, announce: options.announce }),
    carriesRuns: false,
  });
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
  const info = {
    pid: process.pid,
    http: null,
    peerId: host.libp2p.peerId.toString(),
    peerKey: identity.key,
    addresses: host.addresses(),
  };
  await directory.announceReady(info);
  log.info({ addresses: info.addresses }, 'ready');
  const closed = whenAborted(signal).then(async () => {
    log.info('stopping');
    await bootstraps.stop();
    await host.stop();
    directory.close();
  });
  return { info, closed };
}
