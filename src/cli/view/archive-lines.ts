import type { ArchiveSummary } from '../../daemon/log-archive.ts';

/** What an archive comes to, for people. */
export function summaryLines(summary: ArchiveSummary): string[] {
  const { name, runId, fromRound, round, entries, authors, countedRounds, rounds, modelHash, root } = summary;
  const start =
    fromRound === 0
      ? 'from the start vector of the manifest'
      : `from a snapshot of round ${fromRound - 1}, which is taken as it stands: the node did not keep what came before`;
  return [
    `run       ${name} (${runId})`,
    `folded    rounds ${fromRound} to ${round}, ${start}`,
    `rounds    ${countedRounds}${summary.trains ? ` of ${rounds}` : ''} counted`,
    `entries   ${entries}, each with a good signature, of ${authors.length} authors`,
    ...authors.map(({ author, entries: count }) => `          ${author.slice(0, 16)}  ${count}`),
    `root      ${root}`,
    `${summary.trains ? 'model' : 'state'}     ${modelHash}`,
  ];
}
