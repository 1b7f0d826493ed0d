/** The simulator's notion of a clock: what a virtual node's core gets for its `wake-at`, behind the port. */
import assert from 'node:assert/strict';
import { Engine } from '../../sim/engine.ts';
import type { ClockError } from '../../sim/virtual-node.ts';
import type { CoreStatus, Input, Output, ProtocolCore } from '../../src/core/io.ts';
import type { Clock } from '../../src/core/ports.ts';
import type { ClockHarness } from './clock-contract.ts';
import { idleStatus } from './idle-core.ts';

interface Appointment {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A core that only wakes: it keeps appointments, earliest first, and asks to be woken for the next. */
class WakingCore implements ProtocolCore {
  readonly appointments = new Set<Appointment>();

  handle(input: Input, nowMs: number): Output[] {
    if (input.type === 'wake') {
      const due = [...this.appointments].filter(({ atMs }) => atMs <= nowMs);
      for (const appointment of due.sort((one, other) => one.atMs - other.atMs)) {
        // One of the others may have cancelled it.
        if (this.appointments.delete(appointment)) appointment.callback();
      }
    }
    const next = Math.min(...[...this.appointments].map(({ atMs }) => atMs));
    return next === Number.POSITIVE_INFINITY ? [] : [{ type: 'wake-at', atMs: next }];
  }

  status(): CoreStatus {
    return idleStatus();
  }

  model(): Float32Array {
    return new Float32Array();
  }
}

export function virtualClock(error: ClockError): ClockHarness {
  const core = new WakingCore();
  const engine = new Engine(
    {
      seed: 'clock',
      peers: [{ key: '00'.repeat(32), share: 0, msPerStep: 1, clock: error, createCore: () => core }],
      fates: [{ kind: 'boot', peer: 0, atUs: 0 }],
      untilMs: 1e15,
      eventsMax: 10_000,
      streamKey: () => '',
      network: {
        latency: { min: 1, max: 1 },
        jitterMs: 0,
        loss: { chance: 0, burst: 1 },
        packetLoss: 0,
        upBytesPerSecond: 1e6,
        downBytesPerSecond: 1e6,
        overheadBytes: 0,
        degree: 0,
        floodPublish: false,
      },
    },
    { training: null },
  );
  const node = engine.nodes[0]!;
  const clock: Clock = {
    nowMs: () => node.nowMs,
    schedule(atMs, callback) {
      const appointment = { atMs, callback };
      core.appointments.add(appointment);
      // Outside a wake the core has to be asked to look at its appointments; no time passes.
      node.handle({ type: 'start' });
      return () => core.appointments.delete(appointment);
    },
  };
  return {
    clock,
    async until(condition) {
      // The calendar goes on until then and no further.
      const signal = Object.create(AbortSignal.prototype, { aborted: { get: condition } });
      assert.equal(await engine.run(signal), 'aborted', 'nothing is left to happen');
    },
  };
}
