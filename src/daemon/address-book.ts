/**
 * Remembers where the peers of its runs were, in `peers.json`: a node that comes back must find them although
 * every bootstrap it was given is long dead.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { PeerKey } from '../core/io.ts';
import type { Clock } from '../core/ports.ts';
import { isAddress } from '../network/host/announced-addresses.ts';
import type { StarlingsNode } from '../node/create-node.ts';
import { writeFileAtomically } from '../platform/node/atomic-file.ts';

const FILE = 'peers.json';
const addressesMax = 64;
const peersMax = 32;
/** Peers come up in a burst: one write for all of them. */
const writeDelayMs = 500;

const fileSchema = z.array(z.string()).max(addressesMax);

export class AddressBook {
  readonly #file: string;
  readonly #node: Pick<StarlingsNode, 'addressesOf'>;
  readonly #clock: Clock;
  /** Newest last. */
  readonly #peers = new Set<PeerKey>();
  #cancel: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(directory: string, node: Pick<StarlingsNode, 'addressesOf'>, clock: Clock) {
    this.#file = join(directory, FILE);
    this.#node = node;
    this.#clock = clock;
  }

  /** A peer came up: its addresses are worth keeping. */
  note(peer: PeerKey): void {
    this.#peers.delete(peer);
    this.#peers.add(peer);
    if (this.#peers.size > peersMax) this.#peers.delete(this.#peers.values().next().value!);
    this.#cancel ??= this.#clock.schedule(this.#clock.nowMs() + writeDelayMs, () => {
      this.#cancel = null;
      // A book that cannot be written costs a later restart time, not this session.
      this.#writing = this.#write().catch(() => {});
    });
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#writing;
  }

  async #write(): Promise<void> {
    const addresses: string[] = [];
    for (const peer of [...this.#peers].reverse()) addresses.push(...(await this.#node.addressesOf(peer)));
    if (addresses.length === 0) return;
    await writeFileAtomically(this.#file, [`${JSON.stringify(addresses.slice(0, addressesMax), null, 2)}\n`]);
  }
}

/** Addresses of an earlier session, without those that are none; none at all where the file is damaged. */
export async function rememberedAddresses(directory: string): Promise<readonly string[]> {
  try {
    const addresses = fileSchema.parse(JSON.parse(await readFile(join(directory, FILE), 'utf8')));
    return addresses.filter(isAddress);
  } catch {
    return [];
  }
}
