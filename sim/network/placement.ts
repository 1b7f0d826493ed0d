/** Where each peer is and what it is behind; from that, how long light takes between two of them and who can connect. */
import type { Rng } from '../../src/math/rng.ts';
import type { NatShares, Region } from './profiles.ts';

export type NatClass = 'open' | 'cone' | 'symmetric';

/** Kilometres a millisecond in glass of refractive index 1.47 (ITU-T G.652). */
const fibreKmPerMs = 204;
/**
 * Cables are longer than great circles. 1.4 lies amid what the public round trips between cloud regions give: Virginia to
 * Ireland 1.25, to Tokyo 1.45, Ireland to Sao Paulo 1.9.
 */
const detour = 1.4;
const earthRadiusKm = 6371;
const kmPerDegree = (Math.PI * earthRadiusKm) / 180;

export interface Placement {
  readonly regions: readonly string[];
  /** Index into `regions`. */
  readonly region: Uint8Array;
  /** Degrees. */
  readonly latitude: Float64Array;
  readonly longitude: Float64Array;
  /** One way, milliseconds. */
  readonly accessMs: Float64Array;
  readonly nat: readonly NatClass[];
}

export interface PlacementSpec {
  readonly regions: readonly Region[];
  readonly accessMs: { readonly min: number; readonly max: number };
  readonly nat: NatShares;
}

/** Regions in proportion to their peers, places uniform over the discs around their centres. */
export function placePeers(peers: number, spec: PlacementSpec, rng: Rng): Placement {
  const { regions, accessMs, nat } = spec;
  const region = new Uint8Array(peers);
  const latitude = new Float64Array(peers);
  const longitude = new Float64Array(peers);
  const access = new Float64Array(peers);
  const classes: NatClass[] = [];
  const classOf = drawer(['open', 'cone', 'symmetric'] as const, [nat.open, nat.cone, nat.symmetric]);
  const regionOf = drawer(
    regions.map((_, index) => index),
    regions.map(({ share }) => share),
  );
  for (let peer = 0; peer < peers; peer++) {
    const index = regionOf(rng.float());
    const { latitude: north, longitude: east, radiusKm } = regions[index]!;
    const distance = radiusKm * Math.sqrt(rng.float());
    const angle = 2 * Math.PI * rng.float();
    region[peer] = index;
    latitude[peer] = north + (distance * Math.sin(angle)) / kmPerDegree;
    longitude[peer] = east + (distance * Math.cos(angle)) / (kmPerDegree * Math.cos(radians(north)));
    access[peer] = rng.uniform(accessMs.min, accessMs.max);
    classes.push(classOf(rng.float()));
  }
  return {
    regions: regions.map(({ name }) => name),
    region,
    latitude,
    longitude,
    accessMs: access,
    nat: classes,
  };
}

/** One way in milliseconds, without jitter. */
export function latencyMs({ latitude, longitude, accessMs }: Placement, a: number, b: number): number {
  const km = greatCircleKm(latitude[a]!, longitude[a]!, latitude[b]!, longitude[b]!);
  return accessMs[a]! + accessMs[b]! + (detour * km) / fibreKmPerMs;
}

/** Two peers behind symmetric translation, or one behind that and one behind any other, do not reach each other. */
export function canConnect({ nat }: Placement, a: number, b: number): boolean {
  const [first, second] = [nat[a], nat[b]];
  return first === 'open' || second === 'open' || (first === 'cone' && second === 'cone');
}

/** Haversine formula. */
function greatCircleKm(latA: number, lonA: number, latB: number, lonB: number): number {
  const dLat = radians(latB - latA) / 2;
  const dLon = radians(lonB - lonA) / 2;
  const chord = Math.sin(dLat) ** 2 + Math.cos(radians(latA)) * Math.cos(radians(latB)) * Math.sin(dLon) ** 2;
  return 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(chord)));
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

/** From a uniform number in [0, 1) to one of the items, by weight. */
function drawer<Item>(items: readonly Item[], weights: readonly number[]): (uniform: number) => Item {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return (uniform) => {
    let left = uniform * total;
    for (const [index, weight] of weights.entries()) {
      left -= weight;
      if (left < 0) return items[index]!;
    }
    return items[items.length - 1]!;
  };
}
