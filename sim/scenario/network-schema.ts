/** The network of a scenario: a profile and what differs from it. */
import * as z from 'zod';
import {
  type NatShares,
  type NetworkProfile,
  networkProfiles,
  profileIds,
  type Region,
} from '../network/profiles.ts';

const fraction = z.number().min(0).max(1);

const natSchema = z
  .strictObject({
    open: fraction.describe('reachable by everyone'),
    cone: fraction.describe('reach each other by hole punching'),
    symmetric: fraction.describe('reach open peers only'),
  })
  .describe("numbers of peers relative to each other; the profile's where not given");

const regionSchema = z.strictObject({
  name: z.string().min(1).max(40),
  latitude: z.number().min(-90).max(90).describe('degrees, north positive'),
  longitude: z.number().min(-180).max(180).describe('degrees, east positive'),
  share: z.number().positive().describe('relative number of peers'),
  radiusKm: z.number().min(0).max(5000).default(500).describe('peers lie up to this far from the centre'),
});

const partitionSchema = z.strictObject({
  fromRound: z.number().min(0).describe('nothing passes between the parts from then on'),
  toRound: z.number().min(0).describe('the network is whole again'),
  regions: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('these regions on one side; two random halves where not given'),
});

export const networkSchema = z.strictObject({
  profile: z
    .enum(['continent', ...profileIds])
    .default('continent')
    .describe(
      'what is not given below: continent is a flat guess (10 to 60 ms, 20 Mb/s up, 100 down), the others have sources in sim/network/profiles.ts',
    ),
  degree: z
    .int()
    .min(2)
    .max(256)
    .default(12)
    .describe('connections of each peer, a random regular graph; guess'),
  latencyMs: z
    .strictObject({ min: z.number().min(0).max(10_000), max: z.number().min(0).max(10_000) })
    .optional()
    .describe('one-way latency of a link, drawn once per link, uniform; in place of where the peers are'),
  jitterMs: z
    .number()
    .min(0)
    .max(10_000)
    .optional()
    .describe("mean of the exponential delay on top, per message; the profile's where not given"),
  packetLoss: z
    .number()
    .min(0)
    .max(0.5)
    .optional()
    .describe(
      "fraction of TCP segments that are sent again, at the cost of time; the profile's where not given",
    ),
  loss: z
    .number()
    .min(0)
    .max(0.95)
    .default(0)
    .describe('chance of each message to vanish whole, which TCP would not allow'),
  lossBurst: z
    .number()
    .min(1)
    .max(1000)
    .optional()
    .describe('mean number of messages lost in a row (Gilbert-Elliott); independent where not given'),
  lossUntilRound: z
    .number()
    .min(0)
    .optional()
    .describe('no message vanishes from then on; always where not given'),
  upBytesPerSecond: z
    .number()
    .positive()
    .nullable()
    .optional()
    .describe("of each peer, shared by its connections; null for no limit; the profile's where not given"),
  downBytesPerSecond: z
    .number()
    .positive()
    .nullable()
    .optional()
    .describe("of each peer, shared by its connections; null for no limit; the profile's where not given"),
  capacityTrace: z
    .string()
    .min(1)
    .optional()
    .describe('CSV file of seconds,up,down (bytes a second): the capacity of all peers over time'),
  overheadBytes: z
    .int()
    .min(0)
    .max(65_536)
    .default(110)
    .describe(
      'cost of a message beside payload and TCP/IP headers: noise 18, yamux 12, the rest framing; guess',
    ),
  floodPublish: z
    .boolean()
    .default(true)
    .describe('own announcements go to all connections and not to the mesh alone, as at real nodes'),
  nat: natSchema.optional(),
  regions: z
    .array(regionSchema)
    .min(1)
    .max(200)
    .optional()
    .describe("where the peers are; the profile's where not given"),
  partitions: z
    .array(partitionSchema)
    .max(100)
    .default([])
    .describe('times at which the network falls into two'),
});
export type NetworkSection = z.infer<typeof networkSchema>;

/** A flat guess: peers of one continent, all of them reachable. */
const continent = {
  latencyMs: { min: 10, max: 60 },
  jitterMs: 5,
  upBytesPerSecond: 2_500_000,
  downBytesPerSecond: 12_500_000,
  packetLoss: 0,
  nat: { open: 1, cone: 0, symmetric: 0 },
} as const;

/** The section with everything in it that decides what the network does. Rates: Infinity for no limit. */
export interface ResolvedNetwork {
  /** Flat latencies, or where the peers are. */
  readonly latency:
    | { readonly min: number; readonly max: number }
    | { readonly regions: readonly Region[]; readonly accessMs: NetworkProfile['accessMs'] };
  readonly jitterMs: number;
  readonly packetLoss: number;
  readonly loss: { readonly chance: number; readonly burst: number };
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
  readonly nat: NatShares;
}

export function resolveNetwork(section: NetworkSection): ResolvedNetwork {
  const profile = section.profile === 'continent' ? continent : networkProfiles[section.profile];
  const { loss, lossBurst, latencyMs, regions } = section;
  const limit = (own: number | null | undefined, others: number | null): number =>
    (own === undefined ? others : own) ?? Number.POSITIVE_INFINITY;
  const places = 'regions' in profile ? profile : networkProfiles.home;
  return {
    latency:
      latencyMs ??
      (regions === undefined && 'latencyMs' in profile
        ? profile.latencyMs
        : { regions: regions ?? places.regions, accessMs: places.accessMs }),
    jitterMs: section.jitterMs ?? profile.jitterMs,
    packetLoss: section.packetLoss ?? profile.packetLoss,
    loss: { chance: loss, burst: lossBurst ?? 1 / (1 - loss) },
    upBytesPerSecond: limit(section.upBytesPerSecond, profile.upBytesPerSecond),
    downBytesPerSecond: limit(section.downBytesPerSecond, profile.downBytesPerSecond),
    nat: section.nat ?? profile.nat,
  };
}

/** What no single field shows, with its path below `network`, or null. */
export function impossibleNetwork(
  section: NetworkSection,
): { readonly path: readonly PropertyKey[]; readonly message: string } | null {
  const { latencyMs, lossBurst, loss, nat, partitions } = section;
  if (latencyMs && latencyMs.min > latencyMs.max) {
    return { path: ['latencyMs', 'min'], message: `must not exceed max (${latencyMs.max})` };
  }
  const independent = 1 / (1 - loss);
  if (lossBurst !== undefined && lossBurst < independent) {
    return {
      path: ['lossBurst'],
      message: `must be at least ${independent.toFixed(2)}, the mean of independent losses at loss ${loss}`,
    };
  }
  if (nat && nat.open + nat.cone + nat.symmetric <= 0) {
    return { path: ['nat', 'open'], message: 'one of the three must be above 0' };
  }
  const resolved = resolveNetwork(section).latency;
  const names = 'regions' in resolved ? resolved.regions.map(({ name }) => name) : [];
  let end = -1;
  for (const [index, { fromRound, toRound, regions }] of partitions.entries()) {
    const at = (field: string) => ['partitions', index, field];
    if (toRound <= fromRound)
      return { path: at('toRound'), message: `must come after fromRound (${fromRound})` };
    if (fromRound < end) {
      return { path: at('fromRound'), message: `must not come before the partition before it ends (${end})` };
    }
    end = toRound;
    const unknown = regions?.find((name) => !names.includes(name));
    if (unknown !== undefined) {
      const known =
        names.length > 0 ? `there are ${names.join(', ')}` : 'a network of flat latencies has none';
      return { path: at('regions'), message: `no region is called ${unknown}: ${known}` };
    }
    if (regions && names.every((name) => regions.includes(name))) {
      return { path: at('regions'), message: 'must leave at least one region on the other side' };
    }
  }
  return null;
}
