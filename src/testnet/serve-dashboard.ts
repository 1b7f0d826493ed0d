/** The dashboard of a testnet: one page for all its nodes. */
import { startPageServer } from '../api/page-server.ts';
import { FlockFeed } from './flock-feed.ts';
import type { TestnetState } from './testnet-state.ts';

export interface Dashboard {
  readonly url: string;
  close(): Promise<void>;
}

export interface DashboardServerOptions {
  /** Of the testnet. */
  readonly directory: string;
  readonly state: TestnetState;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Takes sentences for people. */
  readonly tell: (sentence: string) => void;
}

/** @throws EADDRINUSE and the like */
export async function serveDashboard(options: DashboardServerOptions): Promise<Dashboard> {
  const { directory, state, port, tell } = options;
  const feed = new FlockFeed(directory, state);
  const onError = (error: unknown): void => tell(`the dashboard could not answer: ${String(error)}`);
  try {
    const server = await startPageServer({ port, feed, onError });
    const close = async (): Promise<void> => {
      feed.stop();
      await server.close();
    };
    return { url: server.url, close };
  } catch (error) {
    feed.stop();
    throw error;
  }
}
