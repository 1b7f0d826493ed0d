/** How a node and others come to be connected, beyond the addresses that it listens on: what its file and flags may say. */
import * as z from 'zod';

const relaySchema = z.strictObject({
  use: z
    .boolean()
    .default(true)
    .describe(
      'reach others over relays, and take a place at one unless others can dial this node, as far as it can tell: by `announce`, or by a public IPv4 address of this machine',
    ),
  serve: z.boolean().default(false).describe('relay for nodes that nobody can dial'),
  reservationsMax: z.int().min(1).max(65_536).default(64).describe('places given out at a time; guess'),
  reservationsPerAddressMax: z
    .int()
    .min(1)
    .max(65_536)
    .default(8)
    .describe('of these to one public address, and twice as many to one network (/24, of IPv6 /48); guess'),
  bytesMax: z
    .int()
    .min(1 << 16)
    .max(2 ** 50)
    .default(2 ** 30)
    .describe('bytes over one relayed connection, both ways together; then it is cut and made anew; guess'),
  durationMsMax: z
    .int()
    .min(10_000)
    .max(2 ** 31 - 1)
    .default(3_600_000)
    .describe('milliseconds that one relayed connection lasts; guess'),
  bytesPerHourMax: z
    .int()
    .min(1 << 16)
    .max(2 ** 50)
    .default(2 ** 34)
    .describe(
      'bytes over all relayed connections in an hour, of which whoever asks from one public address gets a quarter; then they are cut and none is made until the next; guess',
    ),
});

/** None of it is used, or loaded, by a node that listens on loopback addresses alone, but for the key. */
export const connectivitySchema = z.strictObject({
  relay: relaySchema.prefault({}).describe('circuit relays'),
  mapPorts: z
    .boolean()
    .default(false)
    .describe(
      'ask the router for a port by NAT-PMP, and by UPnP where that is installed: `npm install @libp2p/upnp-nat@4.0.28`',
    ),
  multicastDns: z
    .boolean()
    .default(true)
    .describe('find nodes on the local network by multicast DNS, and be found'),
  networkKey: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe(
      'file of mode 0600 with 64 hexadecimal digits: who does not have the same key cannot connect; absent: anybody can',
    ),
});
export type Connectivity = z.infer<typeof connectivitySchema>;
/** Where it says nothing, the defaults. */
export type ConnectivityGiven = z.input<typeof connectivitySchema>;
