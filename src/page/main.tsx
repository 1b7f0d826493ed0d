/** Starts the page: hears the stream, keeps what it is told, draws it. */

import { type JSX, render } from 'preact';
import { type Hello, LiveState } from '../api/live.ts';
import { reasonOf } from '../core/as-error.ts';
import { EventSection, Figures } from './app.tsx';
import { connect } from './connection.ts';
import { ControlSection } from './control.tsx';
import { pulse } from './flock.tsx';
import { takeCode } from './link-code.ts';
import { runsOf } from './model.ts';
import { redeem } from './node-api.ts';

import { nextTheme, rememberedTheme, rememberTheme } from './theme.ts';
import { Top } from './top.tsx';

/** Figures change once a second: nobody reads faster, and it is drawn on two canvases and more. */
const figuresEveryMs = 1000;

class Page {
  readonly #root: HTMLElement;
  readonly #state = new LiveState();
  #connection: ReturnType<typeof connect> | null = null;
  #runId: string | null = null;
  #theme = rememberedTheme();
  #isLive = false;
  #isGreeted = false;
  #isRecord = false;
  /** What is heard comes from a node that can be commanded. */
  #isNode = false;
  #problem: string | null = null;
  #figures: JSX.Element | null = null;
  #figuresAtMs = 0;
  #figuresTimer: ReturnType<typeof setTimeout> | null = null;
  #isDue = false;

  constructor(root: HTMLElement) {
    this.#root = root;
    rememberTheme(this.#theme);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      rememberTheme(this.#theme);
      this.#drawAll();
    });
  }

  /** `record`: a run as it ended, where nobody is to be asked. */
  start(record: Hello | null): void {
    if (record) {
      this.#state.greet(record);
      this.#isGreeted = true;
      this.#isRecord = true;
    }
    this.#draw();
    if (record) return;
    this.#comeIn();
    addEventListener('hashchange', () => this.#comeIn());
    this.#connection = connect('live', {
      onHello: (hello, isNode) => {
        this.#state.greet(hello);
        this.#isNode = isNode;
        this.#isLive = true;
        this.#isGreeted = true;
        this.#drawAll();
      },
      onUpdate: (update) => {
        this.#state.apply(update);
        pulse(update.pulses ?? []);
        const isChange = update.renewed !== undefined || update.isUp !== undefined;
        if (isChange) this.#figures = null;
        if (isChange || update.events !== undefined) this.#drawSoon();
        this.#figuresTimer ??= setTimeout(() => this.#drawSoon(), figuresEveryMs);
      },
      onLost: (isStranger) => {
        this.#isLive = false;
        this.#isNode ||= isStranger;
        this.#drawSoon();
      },
    });
  }

  /** Where the page was opened by a link that lets it command the node. */
  #comeIn(): void {
    const code = takeCode();
    if (code === null) return;
    const refused = (error: unknown): void => {
      this.#problem = reasonOf(error);
    };
    redeem(code)
      .catch(refused)
      .finally(() => this.#passChanged());
  }

  /** Where nothing is told without the token, it may be told now. */
  #passChanged(): void {
    this.#connection?.retry();
    this.#draw();
  }

  #drawAll(): void {
    this.#figures = null;
    this.#draw();
  }

  #drawSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    // A page in the background draws nothing, and is drawn when it is looked at again.
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw(): void {
    const hello = this.#state.hello();
    const runs = runsOf(hello);
    if (!runs.some(({ runId }) => runId === this.#runId)) this.#runId = runs[0]?.runId ?? null;
    const runId = this.#runId;
    const here = hello.nodes[0]?.runs.find(({ view }) => view.runId === runId);
    const isPaused = here?.view.state === 'paused';
    const isRefusing = (here?.view.refusing.length ?? 0) > 0;
    const runName = runs.find((run) => run.runId === runId)?.name ?? '';
    const now = performance.now();
    if (this.#figures === null || now - this.#figuresAtMs >= figuresEveryMs) {
      this.#figuresAtMs = now;
      clearTimeout(this.#figuresTimer ?? undefined);
      this.#figuresTimer = null;
      this.#figures = <Figures hello={hello} runId={runId} theme={this.#theme} />;
    }
    render(
      <>
        <Top
          {...{ runs, runId, isLive: this.#isLive, isRecord: this.#isRecord, theme: this.#theme }}
          onRun={(chosen) => this.#choose(chosen)}
          onTheme={() => this.#recolour()}
        />
        <main>
          {this.#isGreeted ? this.#figures : <p class="wide quiet">Waiting for the node…</p>}
          {this.#isGreeted && <EventSection hello={hello} runId={runId} />}
          {this.#isNode && (
            <ControlSection
              {...{ runId, runName, isPaused, isRefusing, problem: this.#problem }}
              onPass={() => this.#passChanged()}
            />
          )}
        </main>
      </>,
      this.#root,
    );
  }

  #choose(runId: string): void {
    this.#runId = runId;
    this.#drawAll();
  }

  #recolour(): void {
    this.#theme = nextTheme(this.#theme);
    rememberTheme(this.#theme);
    this.#drawAll();
  }
}

const record = document.getElementById('record')?.textContent;
new Page(document.getElementById('page')!).start(record ? (JSON.parse(record) as Hello) : null);
