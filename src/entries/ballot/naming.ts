/**
 * Commitments that a voter had when it showed its own vote, named in the header of what it shows: what it committed to could not tell of them
 * yet. By the beginnings of their hashes, four in a claim: who knows the votes of others has no time to find another commitment that begins
 * like its own in 2^64 trials.
 */
import { bytesToHex } from '../../core/bytes.ts';
import type { Claim } from '../../log/envelope.ts';

const nameBytes = 8;
const claimBytes = 32;
const namesPerClaim = claimBytes / nameBytes;

/** Eight claims, as many as an entry has, for all voters of a round. */
export function namesOf(hashes: readonly Uint8Array[]): Claim[] {
  return Array.from({ length: Math.ceil(hashes.length / namesPerClaim) }, (_, index) => {
    const claim = new Uint8Array(claimBytes);
    for (const [at, hash] of hashes.slice(namesPerClaim * index, namesPerClaim * (index + 1)).entries())
      claim.set(hash.subarray(0, nameBytes), nameBytes * at);
    return claim;
  });
}

export function areNames(claims: readonly Claim[]): boolean {
  return claims.every((claim) => claim instanceof Uint8Array && claim.length === claimBytes);
}

/** Whoever names nothing, not even its own, was late itself and has no say in it. */
export interface Naming {
  readonly names: ReadonlySet<string>;
  readonly weight: number;
}

/** Names of `areNames`. */
export function namesIn(claims: readonly Claim[]): ReadonlySet<string> {
  const parts = claims.flatMap((claim) =>
    Array.from({ length: namesPerClaim }, (_, at) =>
      nameOf((claim as Uint8Array).subarray(nameBytes * at, nameBytes * (at + 1))),
    ),
  );
  return new Set(parts);
}

/** By more than half of those with a say, by standing: nobody else can have had it in time. */
export function isNamed(hash: Uint8Array, said: readonly Naming[]): boolean {
  const weighOf = (naming: readonly Naming[]): number => naming.reduce((sum, { weight }) => sum + weight, 0);
  const name = nameOf(hash);
  return (
    2 * weighOf(said.filter(({ names }) => names.has(name))) >
    weighOf(said.filter(({ names }) => names.size > 0))
  );
}

function nameOf(hash: Uint8Array): string {
  return bytesToHex(hash.subarray(0, nameBytes));
}
