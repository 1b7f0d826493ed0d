/** Figures of a testnet, written while its nodes tell them, and to the end by what they left. */
import { FlockFeed } from '../../../testnet/flock-feed.ts';
import { recordOf } from '../../../testnet/recorded-testnet.ts';
import type { TestnetState } from '../../../testnet/testnet-state.ts';
import { FigureFiles } from '../figure-files.ts';
import type { FigureOptions } from '../figure-options.ts';

export class AttachedFigures {
  readonly #files: FigureFiles;
  #watched: { readonly directory: string; readonly feed: FlockFeed } | null = null;

  /** Null where nobody asked. @throws as `FigureFiles.open` */
  static open(options: FigureOptions, note: (line: string) => void): AttachedFigures | null {
    const files = FigureFiles.open(options, note);
    return files && new AttachedFigures(files);
  }

  private constructor(files: FigureFiles) {
    this.#files = files;
  }

  watch(directory: string, state: TestnetState): void {
    const feed = new FlockFeed(directory, state);
    feed.subscribe((update) => this.#files.hearUpdate(update));
    this.#watched = { directory, feed };
  }

  async close(): Promise<void> {
    if (this.#watched) {
      const { directory, feed } = this.#watched;
      feed.stop();
      // A testnet that never came to a run leaves nothing.
      const record = await recordOf(directory).catch(() => null);
      if (record) this.#files.hearRecord(record);
    }
    await this.#files.close();
  }
}
