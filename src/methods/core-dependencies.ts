import type { Crypto, Signer } from '../core/crypto.ts';
import type { PeerKey } from '../core/io.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import type { Retention } from '../log/retention.ts';
import type { SharedWork } from '../log/shared-work.ts';

/** What a core is built from besides the manifest: nothing in here keeps time or touches the world. */
export interface CoreDependencies {
  readonly crypto: Crypto;
  readonly signer: Signer;
  /** The run's start vector, length `size`; its hash is in the manifest. */
  readonly initial: Float32Array;
  /** Uniform in [0, 1): picks peers to talk to and nothing that replicas must agree on. */
  readonly random: () => number;
  /** Bytes that nobody else can know, for secrets that last as long as the process. */
  readonly secretBytes: (length: number) => Uint8Array;
  /** Adds normal noise of a deviation to each number, not to be foreseen by anybody; where a run may hide whole peers. */
  readonly addNoise?: ((vector: Float32Array, deviation: number) => void) | undefined;
  /** What the store held when the node came up, in order of key; empty for a new node. */
  readonly stored: Iterable<readonly [string, Uint8Array]>;
  /** What is kept of rounds that snapshots cover; 'snapshots' where not given. */
  readonly retention?: Retention | undefined;
  /** What this peer shows for itself where the run asks for it. */
  readonly credential?: Uint8Array | null | undefined;
  /** Keys whose word counts in full in an open run while this peer holds no state of it; nobody's where not given. */
  readonly trusted?: ReadonlySet<PeerKey> | undefined;
  /** Where the history has to begin, for a log; any where not given. */
  readonly checkpoint?: Checkpoint | undefined;
  /** Given where many cores of one run live in one process. */
  readonly shared?: SharedWork;
  /** As if larger bodies were too large for an announcement; for worlds whose models are declared larger than they are. */
  readonly inlineMax?: number;
}
