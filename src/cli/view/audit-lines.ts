/** What an audit of a node's own trainings says, for people. */
import type { AuditedRound, AuditVerdict } from '../../audit/re-execute.ts';
import type { RunAudit } from '../../daemon/run-audit.ts';

export function roundLine({ round, verdict, entry, reason }: AuditedRound): string {
  const delta = entry === null ? '' : `  ${entry.slice(0, 16)}`;
  return `round ${String(round).padStart(6)}  ${verdict.padEnd(11)}${delta}${reason === null ? '' : `  ${reason}`}`;
}

export function auditLines({ runId, name, author, backend, isFromStart, rounds, found }: RunAudit): string[] {
  const of = (verdict: AuditVerdict): number => rounds.filter((one) => one.verdict === verdict).length;
  return [
    `run       ${name} (${runId})`,
    `node      ${author}`,
    `trained   ${backend}`,
    `deltas    ${of('same')} the same, bit for bit; ${of('differs')} differ; ${of('unknown')} cannot be told`,
    ...(of('unpublished') > 0
      ? [`          ${of('unpublished')} rounds were trained and not published`]
      : []),
    isFromStart
      ? 'residual  from nothing, and then what each round left'
      : 'residual  of the first round as the node has kept it: whether it was right, the rounds before it could show',
    ...found.map(
      ({ author, round, text }) =>
        `found     ${author?.slice(0, 16) ?? 'all'}${round === null ? '' : ` in round ${round}`}: ${text}`,
    ),
  ];
}
