/**
 * Calls of an author to those who are drawn to audit it. Draws are public, and who is behind a router that lets nobody in can dial them all the same: once
 * there is a connection they ask it what they need. What is asked of them means nothing, and is small.
 */
import type { OutputSink, PeerKey } from '../../core/io.ts';
import type { AuditCase } from '../../entries/audit/audit-state.ts';
import type { Replica } from '../../log/replica.ts';
import { RequestTable } from '../../log/request-table.ts';
import { encodeRequest } from '../../log/wire.ts';

/** Under way at a time: in the last stage nearly all members are drawn. Guess. */
const callsMax = 8;

export class AuditorCalls {
  readonly #requests: RequestTable<{ readonly peer: PeerKey }>;
  /** Slot of the last call, of those who are still waited for; or in which they were drawn, for they may come by themselves. */
  readonly #calledIn = new Map<PeerKey, number>();
  readonly #underWay = new Set<PeerKey>();

  constructor(timeoutMs: number, nextRequestId: () => number) {
    this.#requests = new RequestTable(timeoutMs, nextRequestId);
  }

  /** `cases`: audits of our own deltas. Each auditor that has said nothing and is not linked is called once a slot, from the next one on, those first that were not for longest. */
  call(
    out: OutputSink,
    cases: readonly AuditCase[],
    { log }: Pick<Replica, 'log'>,
    linked: ReadonlySet<PeerKey>,
    slot: number,
  ): void {
    const waitedFor = new Map<PeerKey, AuditCase>();
    for (const one of cases)
      for (const auditor of one.auditors) if (!one.votes.has(auditor)) waitedFor.set(auditor, one);
    for (const auditor of this.#calledIn.keys()) if (!waitedFor.has(auditor)) this.#calledIn.delete(auditor);
    for (const auditor of waitedFor.keys())
      if (!this.#calledIn.has(auditor)) this.#calledIn.set(auditor, slot);
    const last = (auditor: PeerKey): number => this.#calledIn.get(auditor)!;
    const due = [...waitedFor.keys()]
      .filter((auditor) => !linked.has(auditor) && !this.#underWay.has(auditor) && last(auditor) < slot)
      .sort((a, b) => last(a) - last(b))
      .slice(0, callsMax - this.#underWay.size);
    for (const peer of due) {
      const delta = log.entry(waitedFor.get(peer)!.id);
      if (!delta) continue;
      this.#calledIn.set(peer, slot);
      const question = encodeRequest({ kind: 'held', root: delta.bodyRoot });
      if (this.#requests.open(out, { peer }, question, { dials: true })) this.#underWay.add(peer);
    }
  }

  /** An answer, or that there is none; false where it is none of a call. */
  ended(requestId: number): boolean {
    const call = this.#requests.take(requestId);
    if (!call) return false;
    this.#underWay.delete(call.peer);
    return true;
  }
}
