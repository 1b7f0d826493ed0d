/** What can be done with the node of this page, for whoever may. */

import { useState } from 'preact/hooks';
import { reasonOf } from '../core/as-error.ts';
import { runMeantBy } from './invited.ts';
import { command, downloadModel, RefusedError } from './node-api.ts';
import { heldPass, holdPass } from './pass.ts';

export interface ControlProps {
  readonly runId: string | null;
  readonly runName: string;
  readonly isPaused: boolean;
  /** It was told to have no connection with some nodes. */
  readonly isRefusing: boolean;
  /** Why the link that this page was opened with did not let it in. */
  readonly problem: string | null;
  /** Somebody came in, or went out. */
  readonly onPass: () => void;
}

interface Told {
  readonly lines: readonly string[];
  readonly isBad: boolean;
}

export function ControlSection(props: ControlProps) {
  const { problem, onPass } = props;
  const [told, setTold] = useState<Told | null>(null);
  const [isBusy, setBusy] = useState(false);
  async function perform(deed: () => Promise<readonly string[]>): Promise<boolean> {
    setBusy(true);
    try {
      setTold({ lines: await deed(), isBad: false });
      return true;
    } catch (error) {
      if (error instanceof RefusedError && error.isStranger) {
        holdPass(null);
        onPass();
      }
      setTold({ lines: [reasonOf(error)], isBad: true });
      return false;
    } finally {
      setBusy(false);
    }
  }
  const said = told ?? (problem === null ? null : { lines: [problem], isBad: true });
  return (
    <section class="wide" aria-labelledby="control">
      <h2 id="control">Command this node</h2>
      {heldPass() === null ? (
        <TokenForm onPass={onPass} perform={perform} />
      ) : (
        <fieldset disabled={isBusy} class="controls">
          <legend class="hidden">Commands</legend>
          <JoinForm perform={perform} />
          <RunButtons {...props} perform={perform} />
        </fieldset>
      )}
      <div role="status" class={said?.isBad ? 'told trouble' : 'told'}>
        {isBusy ? 'the node is at it…' : said?.lines.map((line) => <p key={line}>{line}</p>)}
      </div>
    </section>
  );
}

interface Doing {
  readonly perform: (deed: () => Promise<readonly string[]>) => Promise<boolean>;
}

function TokenForm({ onPass, perform }: Doing & { onPass: () => void }) {
  const [token, setToken] = useState('');
  const use = (event: SubmitEvent): void => {
    event.preventDefault();
    holdPass(token.trim());
    setToken('');
    // Reading costs nothing, and only who may command is told to have been let in.
    void perform(() => command('list', {})).then(onPass);
  };
  return (
    <form onSubmit={use} class="controls">
      <p class="quiet">
        Type <code>starlings node link --dir DIR</code> where the node runs, and open the link that it prints;
        or paste the token that lies in <code>DIR/control.token</code>.
      </p>
      <label>
        token{' '}
        <input
          type="password"
          autocomplete="off"
          required
          pattern="\s*[0-9a-f]{64}\s*"
          title="64 hexadecimal digits"
          value={token}
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
      </label>
      <button type="submit">Use it</button>
    </form>
  );
}

function JoinForm({ perform }: Doing) {
  const [run, setRun] = useState('');
  const [data, setData] = useState('');
  const meant = runMeantBy(run);
  const join = (event: SubmitEvent): void => {
    event.preventDefault();
    void perform(() => command('join', { run: meant, ...(data === '' ? {} : { data }) })).then((isDone) => {
      if (isDone) setRun('');
    });
  };
  const check = ({ currentTarget }: { currentTarget: HTMLButtonElement }): void => {
    if (currentTarget.form!.reportValidity()) {
      void perform(() => command('check', { run: meant, data }));
    }
  };
  return (
    <form onSubmit={join} class="controls" aria-label="join a run">
      <label class="grows">
        invitation or run id{' '}
        <input required value={run} onInput={({ currentTarget }) => setRun(currentTarget.value)} />
      </label>
      <label class="grows">
        your examples: a path on the machine of the node{' '}
        <input value={data} onInput={({ currentTarget }) => setData(currentTarget.value)} />
      </label>
      <button type="button" onClick={check}>
        Check the examples
      </button>
      <button type="submit">Join</button>
    </form>
  );
}

function RunButtons({ runId, runName, isPaused, isRefusing, onPass, perform }: ControlProps & Doing) {
  const leaveOut = (): void => {
    holdPass(null);
    onPass();
  };
  return (
    <div class="controls">
      {runId !== null && (
        <>
          <button
            type="button"
            onClick={() =>
              void perform(async () => {
                await downloadModel(runId, runName);
                return [`the model of ${runName} is with your browser`];
              })
            }
          >
            Download the model
          </button>
          <button
            type="button"
            onClick={() => void perform(() => command(isPaused ? 'resume' : 'pause', { run: runId }))}
          >
            {isPaused ? 'Resume' : 'Pause'} {runName}
          </button>
          <Twice
            key={runId}
            name={`Leave ${runName}`}
            deed={() => void perform(() => command('leave', { run: runId }))}
          />
        </>
      )}
      {isRefusing && (
        <button type="button" onClick={() => void perform(() => command('refuse', {}))}>
          Refuse nobody any more
        </button>
      )}
      <Twice name="Stop the node" deed={() => void perform(() => command('stop', {}))} />
      <button type="button" onClick={leaveOut}>
        Forget the token
      </button>
    </div>
  );
}

/** What cannot be taken back is pressed twice. */
function Twice({ name, deed }: { name: string; deed: () => void }) {
  const [isAsked, setAsked] = useState(false);
  const press = (): void => {
    setAsked(!isAsked);
    if (isAsked) deed();
  };
  return (
    <button type="button" class={isAsked ? 'sure' : ''} onClick={press} onBlur={() => setAsked(false)}>
      {isAsked ? `${name}: press again` : name}
    </button>
  );
}
