/** What people read of a running node besides what its commands show, and the forms of it. */
import * as z from 'zod';
import type { NetworkReadings } from '../../network/host/host-readings.ts';
import type { RunManifest } from '../../run/manifest.ts';
import type { EntryPage, EntryPageRequest } from './held-entries.ts';
import type { EntryRequest, HeldEntryInFull } from './held-entry.ts';
import type { HistoryData } from './run-history.ts';

export const nodeSettingsSchema = z.object({
  version: z.string(),
  node: z.string(),
  platform: z.string(),
  listen: z.array(z.string()),
  announce: z.array(z.string()),
  bootstrap: z.array(z.string()),
  retention: z.string(),
  /** How it and others come to be connected; left out by older nodes. */
  connectivity: z
    .object({
      relay: z.object({
        ...{ use: z.boolean(), serve: z.boolean(), reservationsMax: z.number() },
        ...{ bytesMax: z.number(), durationMsMax: z.number() },
        /** Left out by older nodes. */
        bytesPerHourMax: z.number().nullable().default(null),
      }),
      mapPorts: z.boolean(),
      multicastDns: z.boolean(),
      /** Whether who lacks its key of a network cannot connect. */
      isPrivate: z.boolean(),
    })
    .nullable()
    .default(null),
  /** Quota of what is kept for joiners, in bytes. */
  contentBytesMax: z.number(),
  /** Keys whose word counts in open runs. */
  trust: z.array(z.string()),
  logLevel: z.string(),
  limits: z.record(z.string(), z.number()),
  /** Where others dial it, with `/p2p/<peer id>`. */
  addresses: z.array(z.string()).default([]),
  /** Those of them that are public, and that nobody has dialled yet; left out by older nodes. */
  untried: z.array(z.string()).default([]),
});
/** What the node was started with, and where it is; nothing secret, and no path. */
export type NodeSettings = z.infer<typeof nodeSettingsSchema>;

export const peerSummarySchema = z.object({
  peer: z.string(),
  /** What the manifest of a run calls it. */
  name: z.string().nullable(),
  /** Runs in which it is connected. */
  runs: z.array(z.string()),
  /** Where it was last seen. */
  addresses: z.array(z.string()),
  /** From where it dialled this node; nothing where this node dialled it. Left out by older nodes. */
  dialledFrom: z.array(z.string()).default([]),
});
export type PeerSummary = z.infer<typeof peerSummarySchema>;

export interface NodeReader {
  settings(): NodeSettings;
  /** What the network says of itself, for operators. */
  network(): Promise<NetworkReadings>;
  /** Connected ones. */
  peers(): Promise<readonly PeerSummary[]>;
  /** Null where the run is not here, or its manifest is not. */
  manifest(runId: string): RunManifest | null;
  history(runId: string): HistoryData;
  /** @throws NodeError where the run is not here or not running */
  heldEntries(runId: string, page: EntryPageRequest): Promise<EntryPage>;
  /** Null where it is not held. @throws as `heldEntries` */
  heldEntry(runId: string, request: EntryRequest): Promise<HeldEntryInFull | null>;
}
