/**
 * Networks that people have, with the source of every number. What a source gives as a distribution is its median
 * here; what is marked as a guess is one. A scenario may override any of it.
 */

/** Where peers are: they lie around the centre, at distances up to `radiusKm`. */
export interface Region {
  readonly name: string;
  /** Degrees, north and east positive. */
  readonly latitude: number;
  readonly longitude: number;
  /** Relative number of peers. */
  readonly share: number;
  readonly radiusKm: number;
}

/** What devices are behind: whom they can be reached by (RFC 4787, 2007). */
export interface NatShares {
  /** Reachable by everyone. */
  readonly open: number;
  /** Endpoint-independent mapping: two of them find each other by hole punching. */
  readonly cone: number;
  /** Endpoint-dependent mapping: reaches open peers only. */
  readonly symmetric: number;
}

export interface NetworkProfile {
  readonly regions: readonly Region[];
  /** One way, between a device and its provider's network, each end. */
  readonly accessMs: { readonly min: number; readonly max: number };
  /** Mean of the exponential delay added to each message. */
  readonly jitterMs: number;
  /** Bytes a second; null for no limit. */
  readonly upBytesPerSecond: number | null;
  readonly downBytesPerSecond: number | null;
  /** Of TCP segments; they are sent again, at the cost of time. */
  readonly packetLoss: number;
  readonly nat: NatShares;
}

const megabit = 1e6 / 8;

/** Behind a router of the home: Seemann, Inden and Vyzovitis, "Decentralized Hole Punching" (2022), section 5: of vantage points, rounded. */
const homeNat: NatShares = { open: 0.2, cone: 0.6, symmetric: 0.2 };
const noNat: NatShares = { open: 1, cone: 0, symmetric: 0 };

/** Seats of large cloud regions; how many peers are where: guess. */
const world: readonly Region[] = [
  { name: 'us-east', latitude: 39, longitude: -77.5, share: 0.25, radiusKm: 800 },
  { name: 'us-west', latitude: 45.8, longitude: -119.7, share: 0.15, radiusKm: 800 },
  { name: 'europe', latitude: 50.1, longitude: 8.7, share: 0.3, radiusKm: 800 },
  { name: 'east-asia', latitude: 35.7, longitude: 139.7, share: 0.2, radiusKm: 800 },
  { name: 'south-america', latitude: -23.5, longitude: -46.6, share: 0.05, radiusKm: 500 },
  { name: 'oceania', latitude: -33.9, longitude: 151.2, share: 0.05, radiusKm: 500 },
];

const europe: readonly Region[] = [
  { name: 'europe', latitude: 50.1, longitude: 8.7, share: 1, radiusKm: 1200 },
];

const onePlace: readonly Region[] = [{ name: 'here', latitude: 50.1, longitude: 8.7, share: 1, radiusKm: 0 }];

export const networkProfiles = {
  /** One building: gigabit Ethernet (IEEE 802.3ab), a switch or two; delays: guess. */
  lan: {
    regions: onePlace,
    accessMs: { min: 0.05, max: 0.2 },
    jitterMs: 0.05,
    upBytesPerSecond: 1000 * megabit,
    downBytesPerSecond: 1000 * megabit,
    packetLoss: 0,
    nat: noNat,
  },
  /** One data centre: median round trip between racks 0.27 ms (Guo et al., "Pingmesh", 2015); 10 Gb/s network cards. */
  datacentre: {
    regions: onePlace,
    accessMs: { min: 0.03, max: 0.1 },
    jitterMs: 0.02,
    upBytesPerSecond: 10_000 * megabit,
    downBytesPerSecond: 10_000 * megabit,
    packetLoss: 0,
    nat: noNat,
  },
  /**
   * Homes of one continent: 100 Mb/s down and 20 up, the FCC's broadband benchmark of 2024; access 4 to 12 ms one way, about
   * what fibre and cable show in the FCC's "Measuring Broadband America"; packet loss and jitter: guess.
   */
  home: {
    regions: europe,
    accessMs: { min: 4, max: 12 },
    jitterMs: 3,
    upBytesPerSecond: 20 * megabit,
    downBytesPerSecond: 100 * megabit,
    packetLoss: 0.0005,
    nat: homeNat,
  },
  /** Homes with 100 Mb/s both ways (fibre) on five continents; the rest as `home`. */
  intercontinental: {
    regions: world,
    accessMs: { min: 4, max: 12 },
    jitterMs: 3,
    upBytesPerSecond: 100 * megabit,
    downBytesPerSecond: 100 * megabit,
    packetLoss: 0.0005,
    nat: homeNat,
  },
} as const satisfies Record<string, NetworkProfile>;

export type ProfileId = keyof typeof networkProfiles;
export const profileIds = Object.keys(networkProfiles) as [ProfileId, ...ProfileId[]];
