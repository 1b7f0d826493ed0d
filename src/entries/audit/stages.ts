/** How many auditors are drawn for a delta, and how often more of them. */

export const stagesMax = 3;
/** At first; where that one finds something or says nothing; and where it finds nothing and is looked at itself. */
export const [firstDrawn, thenDrawn, againDrawn] = [1, 3, 1];
/** One of so many deltas of which the first auditor says that they are the same is trained by another too: who covers others is found by that alone. Guess. */
export const againOf = 8;
/**
 * At last: fewer than half of a run of 32 then convict nobody, and a quarter of any run, all of whom are drawn by chance, once in 770 times. Guess.
 */
export const lastDrawn = 27;
export const auditorsMax = firstDrawn + thenDrawn + lastDrawn;
