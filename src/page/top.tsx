/** What stands above everything: whether the page is up to date, which run, light or dark. */
import type { Theme } from './theme.ts';

export interface TopProps {
  readonly runs: ReadonlyArray<{ readonly runId: string; readonly name: string }>;
  readonly runId: string | null;
  readonly isLive: boolean;
  /** Shows how a run ended, and nothing that happens. */
  readonly isRecord: boolean;
  readonly theme: Theme;
  readonly onRun: (runId: string) => void;
  readonly onTheme: () => void;
}

export function Top({ runs, runId, isLive, isRecord, theme, onRun, onTheme }: TopProps) {
  const current = runs.find((run) => run.runId === runId);
  return (
    <header>
      <h1>
        starlings <span>{current?.name ?? 'no run'}</span>
      </h1>
      {runs.length > 1 && (
        <label>
          run{' '}
          <select value={runId ?? ''} onChange={({ currentTarget }) => onRun(currentTarget.value)}>
            {runs.map((run) => (
              <option key={run.runId} value={run.runId}>
                {run.name}
              </option>
            ))}
          </select>
        </label>
      )}
      {isRecord ? (
        <span class="quiet">as it stood last</span>
      ) : (
        <span class={`link ${isLive ? 'live' : 'lost'}`} role="status">
          {isLive ? 'live' : 'not connected: this is how it stood last'}
        </span>
      )}
      <button type="button" onClick={onTheme}>
        colours: {theme}
      </button>
    </header>
  );
}
