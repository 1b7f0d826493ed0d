/** What a node was started with, as everybody on its machine may read it. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { limitsSchema } from '../node/limits.ts';
import type { NodeSettings } from '../node/node-reader.ts';
import type { DaemonOptions } from './options.ts';

export function settingsOf(options: DaemonOptions): Omit<NodeSettings, 'addresses'> {
  const {
    listen,
    announce,
    bootstrap,
    retention,
    contentBytesMax = 0,
    trust = [],
    logLevel,
    limits,
  } = options;
  return {
    version: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    listen: [...listen],
    announce: [...announce],
    bootstrap: [...bootstrap],
    retention: retention ?? 'snapshots',
    contentBytesMax,
    trust: [...trust],
    logLevel,
    limits: { ...limitsSchema.parse(limits ?? {}) },
  };
}

function packageVersion(): string {
  const file = findPackageJSON(import.meta.url);
  const text = file === undefined ? '{}' : readFileSync(file, 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version ?? 'unknown');
}
