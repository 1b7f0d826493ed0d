/**
 * What somebody is handed to take part in a run: one string, of characters that neither a shell nor a form changes. What it says is a hint of
 * whoever wrote it: the manifest is checked against the run id, and all that follows against the manifest. Pure.
 *
 *     starlings:RUN+/ip4/192.0.2.7/tcp/4001/p2p/12D3...+checkpoint=19:...:...+signer=KEY+network-key=KEY+secret=SECRET+sum=CRC32
 */
import { hex32 } from '../core/bytes.ts';
import { crc32 } from '../core/crc32.ts';
import { credentialPattern } from '../core/credential-pattern.ts';
import { checkpointPattern } from '../log/checkpoint-pattern.ts';
import type { RunView } from './view/run-view.ts';

export interface Invitation {
  readonly runId: string;
  /** Multiaddrs with `/p2p/<peer id>`, at least one. */
  readonly addresses: readonly string[];
  /** Of an open run, where a newcomer has no key to go by. */
  readonly checkpoint: string | null;
  /** Of a run that takes who was invited: what entitles the key that it is for. */
  readonly credential: string | null;
  /** Of a run with members: who signed it, and could sign another one with more; null where it is open. */
  readonly signer: string | null;
  /** Of a private network, 64 hexadecimal digits: a secret. */
  readonly networkKey: string | null;
  /** Of a hidden run, by which alone it is found, 64 hexadecimal digits. */
  readonly secret: string | null;
}

class InvitationError extends Error {
  override readonly name = 'InvitationError';
  readonly code = 'BAD_INVITATION';
}

const scheme = 'starlings:';
/** A QR code holds 2953 bytes at most. */
const charactersMax = 2900;
const addressesMax = 8;
/** More help nobody, and fill the picture of it. */
const addressesToldMax = 3;

/** A CIDv1 of DAG-CBOR by SHA-256 in base32: no name that a file here might have. */
const runPattern = /^bafyrei[a-z2-7]{52}$/;
/** Multiaddrs as far as nothing in them is read by a shell. */
const addressPattern = /^(\/[\w.:-]+)+\/p2p\/\w+$/;
const sumPattern = /^[0-9a-f]{8}$/;

const fields = {
  checkpoint: { name: 'checkpoint', pattern: checkpointPattern },
  credential: { name: 'credential', pattern: credentialPattern },
  signer: { name: 'signer', pattern: hex32 },
  networkKey: { name: 'network-key', pattern: hex32 },
  secret: { name: 'secret', pattern: hex32 },
} as const;
const fieldIds = Object.keys(fields) as (keyof typeof fields)[];

/** Right or damaged: nothing else begins so. */
export function isMeantAsInvitation(text: string): boolean {
  return text.startsWith(scheme);
}

export function writeInvitation(invitation: Invitation): string {
  const { runId, addresses } = invitation;
  const told = fieldIds.flatMap((id) => {
    const value = invitation[id];
    return value === null ? [] : [`${fields[id].name}=${value}`];
  });
  const content = `${scheme}${[runId, ...addresses, ...told].join('+')}`;
  return `${content}+sum=${crc32(content)}`;
}

/** What a stranger wrote. Its words are in no sentence. @throws InvitationError */
export function readInvitation(given: string): Invitation {
  if (given.length > charactersMax) {
    throw new InvitationError(
      `an invitation has at most ${charactersMax} characters, and this has ${given.length}`,
    );
  }
  const text = given.trim();
  if (!isMeantAsInvitation(text) || !/^[\w.:/+=-]+$/.test(text)) {
    throw new InvitationError(
      `this is no invitation: one begins with ${scheme} and holds letters, digits and . : / + = - _ alone`,
    );
  }
  const at = text.lastIndexOf('+sum=');
  const sum = at < 0 ? '' : text.slice(at + '+sum='.length);
  if (!sumPattern.test(sum)) {
    throw new InvitationError('the end of this invitation is missing: copy all of it');
  }
  if (crc32(text.slice(0, at)) !== sum) {
    throw new InvitationError('a character of this invitation is wrong: copy it again, or ask for another');
  }
  return invitationIn(text.slice(scheme.length, at).split('+'));
}

function invitationIn([runId = '', ...parts]: readonly string[]): Invitation {
  if (!runPattern.test(runId)) throw new InvitationError('this invitation names no run');
  const addresses = parts.filter((part) => part.startsWith('/'));
  if (addresses.length === 0 || addresses.length > addressesMax) {
    throw new InvitationError(
      `an invitation names 1 to ${addressesMax} addresses, and this one ${addresses.length}`,
    );
  }
  if (!addresses.every((address) => addressPattern.test(address))) {
    throw new InvitationError('an address of this invitation is none of a node');
  }
  const read: Record<string, string> = {};
  for (const part of parts.filter((other) => !other.startsWith('/'))) {
    const [name, value = ''] = part.split('=', 2);
    const id = fieldIds.find((known) => fields[known].name === name);
    // A part left unread might be the one that says who may come.
    if (id === undefined || id in read || !fields[id].pattern.test(value)) {
      throw new InvitationError(
        'this invitation says something that this version of starlings does not understand: a newer one may',
      );
    }
    read[id] = value;
  }
  const { checkpoint = null, credential = null, signer = null, networkKey = null, secret = null } = read;
  return { runId, addresses, checkpoint, credential, signer, networkKey, secret };
}

export interface Invited {
  readonly text: string;
  /** Whether it works on this machine alone. */
  readonly isLocal: boolean;
}

/** What is in no view, for whoever reads one may hand it on. */
export interface InvitedWith {
  readonly networkKey: string | null;
  readonly credential: string | null;
  readonly secret: string | null;
}

/**
 * By nodes of a run, the way to it. Null where it is over, or nobody is there to be dialled, or it is hidden and its secret not among `given`.
 * @param views of nodes that are up; what does not fit into an invitation is left out of it
 */
export function inviteTo(
  runId: string,
  views: readonly RunView[],
  allAddresses: readonly string[],
  given: InvitedWith = { networkKey: null, credential: null, secret: null },
): Invited | null {
  const here = views.filter((view) => view.run !== null && view.phase !== 'finished');
  const sound = allAddresses.filter((address) => addressPattern.test(address));
  const isLoopback = (address: string): boolean => /^\/ip4\/127\.|^\/ip6\/::1\//.test(address);
  const reachable = sound.filter((address) => !isLoopback(address));
  const addresses = (reachable.length > 0 ? reachable : sound).slice(0, addressesToldMax);
  if (here.length === 0 || addresses.length === 0 || !runPattern.test(runId)) return null;
  const isHidden = here.some(({ run }) => run?.isHidden === true);
  if (isHidden && given.secret === null) return null;
  const open = here.filter(({ members }) => members.known === null);
  const checkpoint = open.map((view) => view.checkpoint ?? '').find((text) => checkpointPattern.test(text));
  const closed = here.find(({ members }) => members.known !== null);
  const signer = closed?.run?.creator ?? '';
  return {
    text: writeInvitation({
      ...{ runId, addresses, checkpoint: checkpoint ?? null, ...given },
      signer: hex32.test(signer) ? signer : null,
    }),
    isLocal: reachable.length === 0,
  };
}

/** What who is invited types. `data`: the word for a path to examples, which a run that trains nothing needs none of. */
export function joinCommand(invitation: string, trains: boolean, data: string): string {
  return `starlings join ${invitation} ${trains ? `--data ${data}` : '--no-data'}`;
}

/** To whom a run with members is not open. */
export function admissionSentence(signer: string, own: string): string {
  return `this run takes the keys that are named in it, and an invitation adds none: if ${own} is not among them, give it to whoever invited you, for a run that names it, signed by ${signer}`;
}

interface Wanted {
  /** A run, or an invitation to one. */
  readonly run: string;
  readonly bootstrap?: readonly string[] | undefined;
  readonly checkpoint?: string | undefined;
  readonly credential?: string | undefined;
  readonly secret?: string | undefined;
}

/**
 * Where `wanted.run` is an invitation, what it says besides what is wanted anyway, and what to tell of it to the node with the key `own`.
 * @throws InvitationError
 */
export function unfold<T extends Wanted>(
  wanted: T,
  own: string,
): { readonly wanted: T; readonly told: readonly string[] } {
  if (!isMeantAsInvitation(wanted.run)) return { wanted, told: [] };
  const { runId: run, addresses, signer, ...rest } = readInvitation(wanted.run);
  const bootstrap = [...(wanted.bootstrap ?? []), ...addresses];
  const checkpoint = wanted.checkpoint ?? rest.checkpoint ?? undefined;
  const credential = wanted.credential ?? rest.credential ?? undefined;
  return {
    wanted: { ...wanted, ...{ run, bootstrap, checkpoint, credential, secret: rest.secret ?? undefined } },
    told: [
      ...(signer === null ? [] : [admissionSentence(signer, own)]),
      ...(rest.networkKey === null
        ? []
        : [
            'the invitation holds the key of a private network, which a node takes when it is started alone: --network-key',
          ]),
    ],
  };
}
