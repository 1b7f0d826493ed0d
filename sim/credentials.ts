/** What virtual peers show for themselves in runs that ask for it: the same bytes as real ones, found in the same way. */
import {
  asksForCredential,
  creatorsCredential,
  invite,
  leadingZeroBits,
  nonceBytes,
  workHash,
} from '../src/core/credentials.ts';
import type { Crypto, Signer } from '../src/core/crypto.ts';
import type { PeerKey } from '../src/core/io.ts';
import type { Membership } from '../src/core/membership.ts';
import { rngFor } from '../src/math/rng.ts';
import type { SignedManifest } from '../src/run/manifest.ts';

/** Hashes that all peers of a world take together on average, at most: some ten seconds. */
const hashesMax = 2 ** 24;

/** Why so many virtual peers cannot have what the run asks for; null where they can. */
export function lacksCredentials(membership: Membership, peers: number): string | null {
  switch (membership.kind) {
    case 'open':
    case 'allow-list':
      return null;
    case 'work': {
      const most = Math.floor(Math.log2(hashesMax / peers));
      return membership.bits <= most
        ? null
        : `bits must be at most ${most} for ${peers} virtual peers: each finds its nonce by itself`;
    }
    case 'invite': {
      const { depth, invitations } = membership;
      let most = 1;
      for (let level = 1, width = 1; level <= depth && most < peers; level++) most += width *= invitations;
      return peers <= most
        ? null
        : `lets in ${most} peers at most, by chains of ${depth} links and ${invitations} invitations a key: give more of either`;
    }
    default:
      return membership satisfies never;
  }
}

/** For each peer what it shows, null where nothing is asked for. Peer 0 has made the run. */
export function credentialsOf(
  { manifest: { membership }, runId }: SignedManifest,
  signers: readonly Signer[],
  crypto: Crypto,
  name: string,
): readonly (Uint8Array | null)[] {
  if (!asksForCredential(membership)) return signers.map(() => null);
  if (membership.kind === 'work')
    return signers.map(({ key }) => nonceOf(runId, key, membership.bits, crypto));
  return membership.kind === 'invite' ? invited(runId, signers, membership, name) : signers.map(() => null);
}

function nonceOf(runId: string, key: PeerKey, bits: number, crypto: Crypto): Uint8Array {
  const nonce = new Uint8Array(nonceBytes);
  const view = new DataView(nonce.buffer);
  for (let tries = 0; ; tries++) {
    view.setUint32(4, tries);
    if (leadingZeroBits(workHash(runId, key, nonce, crypto)) >= bits) return nonce;
  }
}

interface Inviter {
  readonly signer: Signer;
  readonly own: Uint8Array;
  readonly links: number;
  /** Keys that it has invited. */
  given: number;
}

/** Each after the first is let in by one drawn of those before it that may still invite somebody. */
function invited(
  runId: string,
  signers: readonly Signer[],
  { depth, invitations }: Membership & { readonly kind: 'invite' },
  name: string,
): readonly Uint8Array[] {
  const rng = rngFor(`${name}/invitations`);
  const inside: Inviter[] = [];
  for (const signer of signers) {
    const free = inside.filter(({ links, given }) => links < depth && given < invitations);
    const inviter = free[rng.int(Math.max(1, free.length))];
    const own = inviter
      ? invite(runId, inviter.own, { key: signer.key, number: inviter.given++ }, inviter.signer)
      : creatorsCredential();
    inside.push({ signer, own, links: inviter ? inviter.links + 1 : 0, given: 0 });
  }
  return inside.map(({ own }) => own);
}
