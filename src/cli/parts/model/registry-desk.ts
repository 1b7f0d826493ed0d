/** Between a server of models and the registry that they are of: fetches them, and where its user says so tells how much they were used. */
import { CommandRefusedError } from '../../../api/control-client.ts';
import type { Feedback } from '../../../api/model-server.ts';
import { reasonOf } from '../../../core/as-error.ts';
import { commandNode, type NodeTarget } from '../../../daemon/connect.ts';

export interface RegistryDeskOptions {
  readonly target: NodeTarget;
  /** The registry, where the node has several runs. */
  readonly run: string | undefined;
  /** Whether usage and feedback are written into the log. */
  readonly report: boolean;
  /** Between two looks at whether the node is there, and at what became of what is served. */
  readonly watchEveryMs?: number;
  readonly say: (line: string) => void;
}

interface Use {
  readonly requests: number;
  readonly units: number;
}

/** Between two words on what was used. */
const tellEveryMs = 3_600_000;
const watchDefaultMs = 10_000;
/** The node is told for so long, when the server ends. */
const lastWordMs = 10_000;

export class RegistryDesk {
  readonly #options: RegistryDeskOptions;
  readonly #used = new Map<string, Use>();
  readonly #timer: NodeJS.Timeout | null;
  readonly #watch: NodeJS.Timeout;
  #isWatching = false;
  #isThere = true;
  /** Published models that are served, and whether they were retired when they were looked at last. */
  readonly #served = new Map<string, boolean>();

  constructor(options: RegistryDeskOptions) {
    this.#options = options;
    this.#watch = setInterval(() => void this.#look(), options.watchEveryMs ?? watchDefaultMs).unref();
    const tell = (): void => void this.#tell(AbortSignal.timeout(lastWordMs));
    this.#timer = options.report ? setInterval(tell, tellEveryMs).unref() : null;
  }

  get takesFeedback(): boolean {
    return this.#options.report;
  }

  /** Has the node keep them; `ID=PATH` of each. @throws as `commandNode` */
  async pinned(models: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const places: string[] = [];
    for (const model of models) {
      await this.#ask('pin', { model }, signal);
      const { file, publication } = await this.#ask('model', { model }, signal);
      const { name, version } = publication as { readonly name: string; readonly version: string };
      this.#served.set(`${name}@${version}`, false);
      places.push(`${name}@${version}=${String(file)}`);
    }
    return places;
  }

  noteUse(id: string, units: number): void {
    if (!this.#options.report) return;
    const use = this.#used.get(id) ?? { requests: 0, units: 0 };
    this.#used.set(id, { requests: use.requests + 1, units: use.units + units });
  }

  /** @throws as `commandNode` */
  async feedback({ model, ...said }: Feedback, signal: AbortSignal): Promise<void> {
    await this.#ask('feedback', { model, ...said }, signal);
  }

  /** Tells what is left to tell. */
  async close(): Promise<void> {
    clearInterval(this.#watch);
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    await this.#tell(AbortSignal.timeout(lastWordMs));
  }

  /** What is served goes on without its node, but nobody hears how it is used, or that its author took it back. */
  async #look(): Promise<void> {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const { say } = this.#options;
    try {
      for (const [model, wasRetired] of this.#served) {
        const retired = await this.#retirementOf(model);
        if (!this.#isThere) say('back      the node answers again');
        this.#isThere = true;
        if (retired === undefined) continue;
        this.#served.set(model, retired !== null);
        if (retired !== null && !wasRetired)
          say(
            `trouble   ${model} was taken back by its author: ${retired}; it is served until this is stopped`,
          );
      }
    } catch (error) {
      if (this.#isThere)
        say(
          `trouble   the node does not answer (${reasonOf(error)}): what is here is served on, usage and feedback wait until it is started again`,
        );
      this.#isThere = false;
    } finally {
      this.#isWatching = false;
    }
  }

  /** Null where it stands; undefined where the node cannot tell now. @throws where no node answers */
  async #retirementOf(model: string): Promise<string | null | undefined> {
    try {
      const { retired } = await this.#ask('model', { model }, AbortSignal.timeout(lastWordMs));
      return typeof retired === 'string' ? retired : null;
    } catch (error) {
      if (error instanceof CommandRefusedError) return undefined;
      throw error;
    }
  }

  async #tell(signal: AbortSignal): Promise<void> {
    for (const [model, use] of [...this.#used]) {
      this.#used.delete(model);
      try {
        await this.#ask('usage', { model, ...use }, signal);
      } catch (error) {
        // It is added up until the node is there again.
        const { requests, units } = this.#used.get(model) ?? { requests: 0, units: 0 };
        this.#used.set(model, { requests: requests + use.requests, units: units + use.units });
        this.#options.say(`trouble   the usage of ${model} was not told: ${reasonOf(error)}`);
      }
    }
  }

  #ask(id: string, input: Readonly<Record<string, unknown>>, signal: AbortSignal) {
    const { target, run } = this.#options;
    return commandNode(target, id, { ...input, ...(run === undefined ? {} : { run }) }, signal);
  }
}
