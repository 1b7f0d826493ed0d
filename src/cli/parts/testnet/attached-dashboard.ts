/** The dashboard of a testnet that ends with the command: that it cannot be shown stops nothing. */
import { reasonOf } from '../../../core/as-error.ts';
import type { Dashboard } from '../../../testnet/serve-dashboard.ts';
import type { TestnetState } from '../../../testnet/testnet-state.ts';
import { type DashboardOptions, showDashboard } from '../dashboard-options.ts';

export class AttachedDashboard {
  readonly #options: DashboardOptions;
  readonly #note: (line: string) => void;
  #opened: Promise<Dashboard | null> = Promise.resolve(null);

  constructor(options: DashboardOptions, note: (line: string) => void) {
    this.#options = options;
    this.#note = note;
  }

  open(directory: string, state: TestnetState): void {
    this.#opened = this.#serve(directory, state).catch((error: unknown) => {
      this.#note(`no dashboard: ${reasonOf(error)}`);
      return null;
    });
  }

  async close(): Promise<void> {
    await (await this.#opened)?.close();
  }

  async #serve(directory: string, state: TestnetState): Promise<Dashboard> {
    const { serveDashboard } = await import('../../../testnet/serve-dashboard.ts');
    const { http } = this.#options;
    const dashboard = await serveDashboard({ directory, state, port: http, tell: this.#note });
    await showDashboard(dashboard.url, this.#options, this.#note);
    return dashboard;
  }
}
