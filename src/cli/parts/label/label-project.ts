/** A project of annotation as a node has it: its log through the node's API, its records from the files that members hand each other. */
import { reasonOf } from '../../../core/as-error.ts';
import type { Crypto } from '../../../core/crypto.ts';
import { commandNode, type NodeTarget } from '../../../daemon/connect.ts';
import type { LabelBatch } from '../../../entries/labels/batch-kind.ts';
import type { LabelProject } from '../../../entries/labels/project.ts';
import { projectFrom } from '../../../node/commands/label-commands.ts';
import { amount } from '../../../node/words/amount.ts';
import { printable } from '../command/output.ts';
import { askedInTime } from '../node/node-target.ts';
import { type LabelRecord, readBatch } from './label-records.ts';

export interface LabelSourceOptions {
  readonly target: NodeTarget;
  /** The project, where the node has several runs. */
  readonly run: string | undefined;
  readonly crypto: Crypto;
  /** For a file of another. */
  readonly fetchSeconds: number;
  readonly say: (line: string) => void;
}

/** With the key of the node, and the run that it is. */
export interface NodesProject extends LabelProject {
  readonly peerKey: string;
  readonly runId: string;
}

export class LabelSource {
  readonly #options: LabelSourceOptions;
  /** Of batches by their roots; null: not to be had when it was asked for last. */
  readonly #batches = new Map<string, readonly LabelRecord[] | null>();
  #isFirst = true;

  constructor(options: LabelSourceOptions) {
    this.#options = options;
  }

  /** What the node cannot tell yet is waited for the first time: a page asks again by itself. @throws as `commandNode` */
  async project(signal: AbortSignal): Promise<NodesProject> {
    const ask = () => this.ask('labels', {}, signal);
    const answered = await (this.#isFirst ? askedInTime(signal, ask) : ask());
    this.#isFirst = false;
    const { peerKey, runId } = answered;
    return { ...projectFrom(answered), peerKey: String(peerKey), runId: String(runId) };
  }

  /** Of all batches that are to be had, each once, in the order of batches. @throws DataFileError; the signal's reason */
  async records({ batches }: LabelProject, signal: AbortSignal): Promise<readonly LabelRecord[]> {
    const all = new Map<string, LabelRecord>();
    for (const batch of batches) {
      const { root } = batch;
      const found = this.#batches.get(root) ?? (await this.#batch(batch, signal));
      this.#batches.set(root, found);
      for (const record of found ?? []) all.set(record.hash, record);
    }
    return [...all.values()];
  }

  /** How many batches are not to be had. */
  get missing(): number {
    return [...this.#batches.values()].filter((batch) => batch === null).length;
  }

  async #batch({ name, root, bytes, records: said }: LabelBatch, signal: AbortSignal) {
    const { crypto, fetchSeconds: seconds, say } = this.#options;
    try {
      const { file } = await this.ask('fetch', { root, bytes, seconds }, signal);
      const { records, refused } = await readBatch(String(file), said, crypto);
      for (const { reason, count } of refused)
        say(printable(`refused   ${amount(count, 'record')} of ${name}: ${reason}`));
      return records;
    } catch (error) {
      signal.throwIfAborted();
      if (!this.#batches.has(root)) say(printable(`trouble   no records of ${name}: ${reasonOf(error)}`));
      return null;
    }
  }

  ask(id: string, input: Readonly<Record<string, unknown>>, signal: AbortSignal) {
    const { target, run } = this.#options;
    return commandNode(target, id, { ...input, ...(run === undefined ? {} : { run }) }, signal);
  }
}
