/** What a node shows for itself in a run that asks newcomers for more than a key: found by work, given by an invitation, or kept from before. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hexToBytes } from '../core/bytes.ts';
import {
  asksForCredential,
  Credentials,
  creatorsCredential,
  decodeLinks,
  invite,
  leadingZeroBits,
  nonceBytes,
  workHash,
} from '../core/credentials.ts';
import type { Crypto, Signer } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import type { Store } from '../core/ports.ts';
import type { SignedManifest } from '../run/manifest.ts';
import { NodeError } from './node-error.ts';

/** Where a run's store keeps it, and whom we invited, in the order of their numbers. No core reads either. */
const credentialKey = 'credential';
const invitedKey = 'credential/invited';
/** Tries between two looks at the world: some tens of milliseconds. */
const triesAtOnce = 16_384;

export function isCredentialKey(key: string): boolean {
  return key === credentialKey || key === invitedKey;
}

export interface CredentialRequest {
  readonly run: SignedManifest;
  readonly self: PeerKey;
  /** In hexadecimal digits, as an invitation has it. */
  readonly given: string | undefined;
  readonly store: Store;
  readonly crypto: Crypto;
  readonly signal: AbortSignal;
  /** So many of about so many tries are made. */
  readonly onTries: (tries: number, expected: number) => void;
}

/** Null where the run asks for none. What is found is kept. @throws NodeError where there is none to show; the signal's reason */
export async function credentialFor(request: CredentialRequest): Promise<Uint8Array | null> {
  const { run, self, given, store, crypto } = request;
  const { membership, creator } = run.manifest;
  if (!asksForCredential(membership)) return null;
  const credentials = new Credentials(run.manifest, run.runId, crypto);
  const kept = await readKept(store);
  const offered = [
    ...(given === undefined ? [] : [hexToBytes(given)]),
    ...(kept === null ? [] : [kept]),
    ...(membership.kind === 'invite' && self === creator ? [creatorsCredential()] : []),
  ];
  const found =
    offered.find((one) => credentials.admits(self, one)) ??
    (membership.kind === 'work' ? await work(request, membership.bits) : null);
  if (found === null) {
    const why =
      given === undefined
        ? 'takes who was invited'
        : 'does not take this invitation: it is of another key, or another run';
    throw new NodeError(
      'NOT_INVITED',
      `run ${run.runId} ${why}. Give the key of this node, ${self}, to a member, who prints an invitation by \`starlings invite --for KEY\``,
    );
  }
  await store.commit([{ key: credentialKey, value: found }], { durable: true });
  return found;
}

async function readKept(store: Store): Promise<Uint8Array | null> {
  for await (const [key, value] of store.entries(credentialKey)) if (key === credentialKey) return value;
  return null;
}

/** Nonces one after the other, from 0: each finds another one, for its key is in the hash. */
async function work(
  { run, self, crypto, signal, onTries }: CredentialRequest,
  bits: number,
): Promise<Uint8Array> {
  const nonce = new Uint8Array(nonceBytes);
  const view = new DataView(nonce.buffer);
  for (let tries = 0; ; tries++) {
    if (tries % triesAtOnce === 0) {
      onTries(tries, 2 ** bits);
      await nextTurn();
      signal.throwIfAborted();
    }
    view.setBigUint64(0, BigInt(tries));
    if (leadingZeroBits(workHash(run.runId, self, nonce, crypto)) >= bits) return nonce;
  }
}

export interface InvitationRequest {
  readonly run: SignedManifest;
  /** What the inviter shows itself. */
  readonly own: Uint8Array | null;
  readonly inviter: Signer;
  readonly key: PeerKey;
  /** Whom it invited before, in the order of their numbers. */
  readonly before: readonly PeerKey[];
}

/** What entitles `key`, and whom the inviter has invited then. @throws NodeError where it may invite nobody, or nobody more */
export function invitationFor({ run, own, inviter, key, before }: InvitationRequest): {
  readonly credential: Uint8Array;
  readonly invited: readonly PeerKey[];
} {
  const { membership } = run.manifest;
  const links = own && decodeLinks(own);
  if (membership.kind !== 'invite' || own === null || links === null)
    throw new NodeError(
      'CANNOT_INVITE',
      `run ${run.runId} takes others than who was invited: no key is let in by an invitation`,
    );
  if (links.length >= membership.depth)
    throw new NodeError(
      'CANNOT_INVITE',
      `this key was invited over ${links.length} links, and run ${run.runId} takes no longer chains`,
    );
  const invited = before.includes(key) ? before : [...before, key];
  if (invited.length > membership.invitations)
    throw new NodeError(
      'CANNOT_INVITE',
      `this key has invited ${before.length} others, and run ${run.runId} takes no more of one`,
    );
  return { credential: invite(run.runId, own, { key, number: invited.indexOf(key) }, inviter), invited };
}

/** Whom a node invited, by its store. */
export async function invitedBefore(store: Store): Promise<readonly PeerKey[]> {
  for await (const [key, value] of store.entries(invitedKey))
    if (key === invitedKey) return new TextDecoder().decode(value).split('\n').filter(Boolean);
  return [];
}

export function keepInvited(store: Store, invited: readonly PeerKey[]): Promise<void> {
  return store.commit([{ key: invitedKey, value: new TextEncoder().encode(invited.join('\n')) }], {
    durable: true,
  });
}
