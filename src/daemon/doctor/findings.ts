/** From facts to findings: pure. A question is an entry of the table, in the order in which people ask. */
import { connectivityFindings } from './connectivity-findings.ts';
import type { DoctorFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import { networkFindings } from './network-findings.ts';
import { placeFindings } from './place-findings.ts';
import { runFindings } from './run-findings.ts';

type Question = (facts: DoctorFacts) => readonly Finding[];

const questions: readonly Question[] = [placeFindings, connectivityFindings, networkFindings, runFindings];

export function findingsOf(facts: DoctorFacts): Finding[] {
  return questions.flatMap((question) => question(facts));
}
