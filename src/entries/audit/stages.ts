/** How many auditors are drawn for a delta, and how often more of them. */

export const stagesMax = 3;
/** At first; where that one finds something; and where it says nothing, or finds nothing and is looked at itself. */
export const [firstDrawn, thenDrawn, againDrawn] = [1, 3, 1];
/** One of so many deltas of which the first auditor says that they are the same is trained by another too: who covers others is found by that alone. Guess. */
export const againOf = 8;
/** At last: fewer than half of a run of 64 then convict nobody, whoever is silent. Guess. */
export const lastDrawn = 59;
export const auditorsMax = firstDrawn + thenDrawn + lastDrawn;
