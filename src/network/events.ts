import type { PeerKey } from '../core/io.ts';

/** What happened on the network, for logs and the terminal view. Nothing depends on these. */
export type NetworkEvent =
  | { readonly kind: 'bootstrap-answered'; readonly address: string }
  /** No address of the list answered and nobody else is connected. Tried again with backoff, for ever. */
  | { readonly kind: 'no-bootstrap-answers'; readonly addresses: readonly string[]; readonly attempt: number }
  /** Whoever is meant by all addresses of the list has our key and is somewhere else. Told once. */
  | { readonly kind: 'bootstraps-have-our-key'; readonly addresses: readonly string[] }
  /** `holders`: DHT servers that took our provider record. */
  | { readonly kind: 'provided'; readonly holders: number }
  | { readonly kind: 'provide-failed'; readonly reason: string }
  | { readonly kind: 'providers-found'; readonly providers: number }
  | { readonly kind: 'find-failed'; readonly reason: string }
  | { readonly kind: 'peer-up'; readonly peer: PeerKey }
  | { readonly kind: 'peer-down'; readonly peer: PeerKey }
  | { readonly kind: 'dial-failed'; readonly peer: PeerKey; readonly reason: string }
  | { readonly kind: 'link-closed'; readonly peer: PeerKey; readonly reason: 'too-many' | 'deaf' }
  /** Gossip had nobody to send it to; peers that join later learn of it by asking. */
  | { readonly kind: 'announced-to-nobody'; readonly bytes: number }
  | { readonly kind: 'request-served'; readonly peer: PeerKey; readonly bytes: number; readonly ms: number }
  | { readonly kind: 'request-refused'; readonly peer: PeerKey; readonly reason: string }
  /** So many events of a kind went untold because there were too many of them. */
  | { readonly kind: 'untold'; readonly of: NetworkEvent['kind']; readonly count: number };

export type NetworkEventListener = (event: NetworkEvent) => void;
