import type { Input, Output, ProtocolCore } from '../src/core/io.ts';
import type { PeerPlan } from './virtual-node.ts';

/** The plan of a peer whose inputs are handled by `handle` in place of its core, which that is given. */
export function handledPlan(
  plan: PeerPlan,
  handle: (core: ProtocolCore, input: Input, nowMs: number) => Output[],
): PeerPlan {
  return {
    ...plan,
    createCore: (stored, incarnation) => {
      const core = plan.createCore(stored, incarnation);
      return {
        handle: (input, nowMs) => handle(core, input, nowMs),
        status: (nowMs) => core.status(nowMs),
        model: () => core.model(),
      };
    },
  };
}
