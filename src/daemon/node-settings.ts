/** What a node was started with, as everybody on its machine may read it. */
import { limitsSchema } from '../node/limits.ts';
import type { NodeSettings } from '../node/view/node-reader.ts';
import { packageVersion } from '../platform/node/package-root.ts';
import { connectivitySchema } from './connectivity.ts';
import type { DaemonOptions } from './options.ts';

export function settingsOf(options: DaemonOptions): Omit<NodeSettings, 'addresses' | 'untried'> {
  const {
    listen,
    announce,
    bootstrap,
    retention,
    contentBytesMax = 0,
    trust = [],
    logLevel,
    limits,
    connectivity,
  } = options;
  const { networkKey, ...connected } = connectivitySchema.parse(connectivity ?? {});
  return {
    version: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    listen: [...listen],
    announce: [...announce],
    bootstrap: [...bootstrap],
    connectivity: { ...connected, isPrivate: networkKey !== undefined },
    retention: retention ?? 'snapshots',
    contentBytesMax,
    trust: [...trust],
    logLevel,
    limits: { ...limitsSchema.parse(limits ?? {}) },
  };
}
