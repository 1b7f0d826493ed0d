/** Requests between members of a hidden run: who cannot seal one is told nothing, and who cannot open one answers in vain. */
import type { PeerKey } from '../../core/io.ts';
import { AbsurdRequestError, type RequestOptions } from '../../core/ports.ts';
import type { Reputation } from '../conduct/reputation.ts';
import { RequestError } from '../errors.ts';
import { type HiddenRun, receiptBytes, sealBytes } from '../hidden-run.ts';
import { peerIdOf } from '../identity.ts';
import type { ExchangeLimits } from './limits.ts';

type Serve = (from: PeerKey, bytes: Uint8Array) => Promise<readonly Uint8Array[]>;
type Request = (peer: PeerKey, bytes: Uint8Array, wanted: RequestOptions) => Promise<Uint8Array[]>;

/** Asks for nothing but the receipt: no request of a core is empty. */
export const bareRequest = new Uint8Array();

/** What a receipt takes of an answer, the length of its frame included. */
const receiptFrameBytes = receiptBytes + 8;

export function sealedServe(serve: Serve, hidden: HiddenRun, self: PeerKey): Serve {
  return async (from, bytes) => {
    const request = hidden.open(bytes, from, self);
    if (request === null) throw new AbsurdRequestError('it is no member, or does not show that it is');
    const receipt = hidden.receipt(bytes, from, self);
    return request.length === 0 ? [receipt] : [receipt, ...(await serve(from, request))];
  };
}

/** Rejects as `request`, and with a RequestError where the answer is none of a member. */
export function sealedRequest(
  request: Request,
  hidden: HiddenRun,
  { self, reputation }: { readonly self: PeerKey; readonly reputation: Reputation },
): Request {
  return async (peer, bytes, wanted) => {
    const sealed = hidden.seal(bytes, self, peer);
    const responseBytesMax = wanted.responseBytesMax + receiptFrameBytes;
    const [receipt, ...frames] = await request(peer, sealed, { ...wanted, responseBytesMax });
    if (hidden.isReceipt(receipt, sealed, self, peer)) return frames;
    reputation.blame(peerIdOf(peer));
    throw new RequestError(
      'REFUSED',
      `peer ${peer} is no member of the hidden run, or does not show that it is`,
    );
  };
}

/** With room for what sealing adds. */
export function sealedLimits(limits: ExchangeLimits): ExchangeLimits {
  const { requestBytesMax, answerFramesMax } = limits;
  return {
    ...limits,
    requestBytesMax: requestBytesMax + sealBytes,
    answerFramesMax: answerFramesMax + 1,
  };
}
