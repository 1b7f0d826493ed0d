/** Which peers hold this run, why am I not averaging, and is my clock off? */
import { notDrawn } from '../../core/io.ts';
import type { Holder } from '../../network/probe.ts';
import { type ClockOffset, clockOffset, isClockOff, surelyOff } from '../../node/clock/clock-offset.ts';
import type { Notice } from '../../node/view/notices.ts';
import { worstCause } from '../../node/view/outcome.ts';
import type { RunView } from '../../node/view/run-view.ts';
import { amount, span } from '../../node/words/amount.ts';
import type { DoctorFacts, ExaminedRun, RunPlan } from './facts.ts';
import type { Finding } from './finding.ts';

export function runFindings({ runs, place, process, nowMs }: DoctorFacts): Finding[] {
  if (runs.length === 0) {
    if (process.kind === 'bootstrap' || place?.isOfBootstrap) return [];
    // Nobody tells, and there is no directory to look into.
    if (place === null && process.kind !== 'answers') return [];
    return [
      {
        ...{ id: 'run', level: 'watch', text: 'no run is known here' },
        todo: 'name one with --run, or in the file of the node, or have it join one: `starlings node join`',
      },
    ];
  }
  return runs.flatMap((run) => [
    ...hidingFindings(run),
    ...holderFindings(run),
    ...planFindings(run, nowMs),
    ...(run.view === null ? [] : averagingFindings(run.view)),
    ...clockFindings(run),
  ]);
}

function nameOf({ run, view }: ExaminedRun): string {
  const id = view?.runId ?? run;
  return view?.run ? `${view.run.name} (${id.slice(0, 12)}...)` : id;
}

function hidingFindings(facts: ExaminedRun): Finding[] {
  const id = 'hidden';
  const name = nameOf(facts);
  switch (facts.hiding) {
    case 'none':
      return [];
    case 'known':
      return [
        { id, level: 'fine', text: `run ${name} is hidden: only who has its secret finds it and its peers` },
      ];
    case 'unknown':
      // Without its secret a node cannot take part, and says so itself.
      if (facts.view === null) return [];
      return [
        {
          ...{
            id,
            level: 'watch',
            text: `run ${name} is hidden, and its secret is not here: nobody can be looked for`,
          },
          todo: 'ask on the machine of the node, with --dir',
        },
      ];
    default:
      return facts.hiding satisfies never;
  }
}

function holderFindings(facts: ExaminedRun): Finding[] {
  const id = 'holders';
  const name = nameOf(facts);
  if (facts.problem !== null) {
    return [
      {
        id: 'run',
        level: 'wrong',
        text: `run ${name}: ${facts.problem}`,
        todo: 'correct the path or the run id',
      },
    ];
  }
  const linked = facts.view?.members.linked ?? [];
  const keys = [...new Set([...linked, ...(facts.holders ?? []).map(({ peer }) => peer)])].filter(
    (peer) => peer !== facts.view?.peerKey,
  );
  if (keys.length > 0) {
    const silent = (facts.holders ?? []).filter(
      ({ peer, clock }) => clock === null && peer !== facts.view?.peerKey && !linked.includes(peer),
    ).length;
    const which = whichOf(keys.length, linked.length, silent);
    const listed = keys.slice(0, 8).map((key) => key.slice(0, 8));
    const text = `run ${name} is held by ${amount(keys.length, 'peer')} (${listed.join(', ')}${keys.length > 8 ? ', ...' : ''})${which}`;
    if (silent < keys.length) return [{ id, level: 'fine', text }];
    return [
      {
        ...{ id, level: 'watch', text },
        todo: 'wait a minute and ask again: what is found so may be gone, and who is gone is found for a day or two yet',
      },
    ];
  }
  // Without the secret nobody was looked for, which is said already.
  if ((facts.holders === null && facts.view === null) || facts.hiding === 'unknown') return [];
  return [
    {
      ...{ id, level: 'wrong', text: `nobody else is found that holds run ${name}` },
      todo:
        facts.hiding === 'known'
          ? 'invite others from this node (`starlings invite`), for the run id alone leads nowhere; who was invited has to run, and to use a bootstrap of the same network'
          : 'check that others run, that they use a bootstrap of the same network, and that the run id is theirs',
    },
  ];
}

/** `, of which 2 are connected with this node and 1 does not answer` */
function whichOf(all: number, linked: number, silent: number): string {
  const states = [
    { count: linked, one: 'is connected with this node', many: 'are connected with this node' },
    { count: silent, one: 'does not answer', many: 'do not answer' },
  ].filter(({ count }) => count > 0);
  if (states.length === 0) return '';
  if (states[0]!.count === all) {
    const { one, many } = states[0]!;
    return all === 1 ? `, which ${one}` : `, who all ${many}`;
  }
  const said = states.map(({ count, one, many }) => `${count} ${count === 1 ? one : many}`);
  return `, of which ${said.join(' and ')}`;
}

function planFindings({ view, plan, ...facts }: ExaminedRun, nowMs: number): Finding[] {
  if (plan === null || view !== null) return [];
  const name = nameOf({ view, plan, ...facts });
  const findings: Finding[] = [];
  if (plan.isMember === false) {
    findings.push({
      ...{
        id: 'member',
        level: 'wrong',
        text: `the key of this node is not among the members of run ${name}`,
      },
      todo: 'have the run signed with the key that `starlings node id` shows',
    });
  }
  return [...findings, whenFinding(name, plan, nowMs)];
}

function whenFinding(name: string, { startAtMs, endsAtMs }: RunPlan, nowMs: number): Finding {
  const id = 'time';
  if (nowMs >= endsAtMs) {
    return {
      ...{
        id,
        level: 'wrong',
        text: `the planned time of run ${name} was over ${span(nowMs - endsAtMs)} ago`,
      },
      todo: 'sign a new run with `starlings run create`, or join where somebody still is in it',
    };
  }
  return nowMs < startAtMs
    ? { id, level: 'fine', text: `run ${name} begins in ${span(startAtMs - nowMs)}` }
    : {
        id,
        level: 'fine',
        text: `run ${name} began ${span(nowMs - startAtMs)} ago and is planned for ${span(endsAtMs - nowMs)} more`,
      };
}

/** What to look at first for each notice. The clock has a finding of its own. */
const adviceFor: Readonly<
  Record<Exclude<Notice['id'], 'clock'>, { readonly level: 'watch' | 'wrong'; readonly todo: string }>
> = {
  alone: {
    level: 'wrong',
    todo: 'go through the findings on bootstraps and holders above, then start the others',
  },
  late: { level: 'watch', todo: 'nothing, or start a new run in which all begin together' },
  'left-out': {
    level: 'wrong',
    todo: 'set the clock (NTP), and look for a slow line between this node and its peers',
  },
  'no-member': { level: 'wrong', todo: 'have the run signed with the key that `starlings node id` shows' },
  over: { level: 'watch', todo: 'wait half a minute for peers, or give --even-if-over to train alone' },
  privacy: { level: 'watch', todo: 'see `starlings privacy report` of its directory' },
  parted: {
    level: 'watch',
    todo: '`starlings node refuse` without --peers ends it, `starlings testnet heal` that of a testnet',
  },
  silenced: {
    level: 'wrong',
    todo: 'do what it says; `starlings alliance report` of an alliance says in which rounds its deltas carried no weight',
  },
  twin: { level: 'wrong', todo: 'stop one of the two nodes that have this key and give it an empty --dir' },
  unheard: {
    level: 'wrong',
    todo: 'ask the others for their `starlings doctor`: they train nothing that comes in time',
  },
  unjudged: {
    level: 'watch',
    todo: 'free the machines of other work, or sign the next run with longer rounds (`slotMs`)',
  },
};

function adviceOf(id: string): { readonly level: 'watch' | 'wrong'; readonly todo: string } {
  return Object.hasOwn(adviceFor, id)
    ? adviceFor[id as keyof typeof adviceFor]
    : { level: 'watch', todo: 'see what `starlings node status` says' };
}

function averagingFindings(view: RunView): Finding[] {
  const id = 'averaging';
  const name = view.run?.name ?? view.runId;
  const state = stateFinding(view);
  if (state !== null) return [state];
  const findings: Finding[] = view.notices
    .filter((notice) => notice.id !== 'clock')
    .map(({ id: notice, text }) => ({ id, text: `run ${name}: ${text}`, ...adviceOf(notice) }));
  const cause = worstCause(
    Object.fromEntries(Object.entries(view.skipped).filter(([reason]) => reason !== notDrawn)),
  );
  if (cause !== null && cause.rounds > view.deltasPublished) {
    findings.push({
      ...{
        id,
        level: 'wrong',
        text: `run ${name}: ${amount(cause.rounds, 'round')} went by without a delta of this node, most often for: ${cause.reason}`,
      },
      todo: 'take what it names away; where training is too slow, a run with longer slots or fewer steps helps',
    });
  }
  if (view.trouble !== null) {
    findings.push({
      ...{ id, level: 'wrong', text: `run ${name}: ${view.trouble}` },
      todo: 'look for it in log.jsonl, and at the disk',
    });
  }
  if (view.announcementsDropped > 0) {
    findings.push({
      ...{
        id,
        level: 'watch',
        text: `run ${name}: ${amount(view.announcementsDropped, 'announcement')} dropped, for the disk is too slow`,
      },
      todo: 'move the directory of the node to a faster disk, or take other work off this one',
    });
  }
  if (findings.length > 0) return findings;
  if (view.run?.trains === false) {
    const text =
      view.finalisedRound < 0
        ? `run ${name}: nothing of its log is final yet`
        : `run ${name}: its log is final up to round ${view.finalisedRound}`;
    return [{ id, level: 'fine', text }];
  }
  const { own, others } = view.folded;
  const made = `${amount(own, 'delta')} of this node and ${others} of others`;
  if (others === 0 && view.round >= 0 && view.phase !== 'finished') {
    return [
      {
        ...{ id, level: 'watch', text: `run ${name}: nothing of others is in the model yet` },
        todo: `wait until ${(view.run?.windowRounds ?? 0) + 1} rounds are closed: what comes counts only then`,
      },
    ];
  }
  return [
    {
      id,
      level: 'fine',
      text: view.round < 0 ? `run ${name} has not begun` : `run ${name}: the model is made of ${made}`,
    },
  ];
}

/** Where there is nothing to average with, or nothing any more. */
function stateFinding({ state, failure, outcome, outcomeText, run, runId }: RunView): Finding | null {
  const id = 'averaging';
  const name = run?.name ?? runId;
  if (state === 'searching') {
    return {
      ...{ id, level: 'wrong', text: `the manifest of run ${name} is not here: no peer has served it yet` },
      todo: 'check the run id and the bootstraps, or give the manifest as a file',
    };
  }
  if (failure !== null) {
    return {
      ...{ id, level: 'wrong', text: `run ${name} cannot go on here: ${failure}` },
      todo: 'take away what it names and start the node again; `starlings node leave` forgets the run',
    };
  }
  if (outcome === null) return null;
  return outcome === 'trained' || outcome === 'kept'
    ? { id, level: 'fine', text: `run ${name}: ${outcomeText ?? outcome}` }
    : {
        id,
        level: 'wrong',
        text: `run ${name}: ${outcomeText ?? outcome}`,
        todo: 'take part in a new run, with the causes above taken away',
      };
}

/** By the node's own watch where it runs, else by who was asked now. */
function clockFindings({ view, plan, holders }: ExaminedRun): Finding[] {
  const slotMs = view?.slotMs ?? view?.run?.slotMs ?? plan?.slotMs ?? null;
  // The node is found like any other, and agrees with itself.
  const others = (holders ?? []).filter(({ peer }) => peer !== view?.peerKey);
  const clock = view === null || view.clock.peers === 0 ? offsetBy(others) : view.clock;
  const off = clock.offsetMs ?? clock.claimedMs;
  if (slotMs === null) return [];
  const id = 'clock';
  if (off === null) {
    return [
      {
        id,
        level: 'watch',
        text: 'too few peers say what time it is',
        todo: 'see that this machine sets its clock by NTP',
      },
    ];
  }
  const isOnly = clock.offsetMs === null;
  const whose = isOnly ? 'the only peer' : amount(clock.peers, 'peer');
  const by = `${(Math.abs(off) / 1000).toFixed(1)} s ${off > 0 ? 'ahead of' : 'behind'} ${whose}`;
  if (Math.abs(off) <= slotMs / 2) {
    return [
      {
        id,
        level: 'fine',
        text:
          off === 0
            ? `the clock agrees with ${amount(clock.peers, 'peer')}`
            : `the clock is ${by}, which is little beside a round`,
      },
    ];
  }
  return [
    {
      ...{
        id,
        level: isClockOff(clock, slotMs) ? 'wrong' : 'watch',
        text: `the clock is ${by}, and a round takes ${slotMs / 1000} s${isOnly ? ': one of the two is wrong' : ''}`,
      },
      todo: isOnly
        ? 'set the one that is wrong (NTP): what two learn in different rounds does not come together'
        : 'set the clock of whoever is wrong (NTP): nothing is trained beyond a round',
    },
  ];
}

function offsetBy(holders: readonly Holder[]): ClockOffset {
  const claims = holders.flatMap(({ clock }) => (clock === null ? [] : [surelyOff([clock])]));
  return clockOffset(claims, holders.length);
}
