/** How many auditors are drawn for a delta, and how often more of them. */

export const stagesMax = 3;
/** At first, and where that finds something. */
export const [firstDrawn, thenDrawn] = [1, 3];
/**
 * At last, of a delta of which somebody says that it differs: fewer than half of a run of 32 then convict nobody, and a quarter of any run, all of whom are
 * drawn by chance, once in 770 times. Of one of which it is only said that it was withheld fewer are: that alone convicts nobody, and whoever says so of an
 * honest author risks nothing by it. Guess.
 */
export const [lastDrawn, lastDrawnOfWithheld] = [27, 7];
export const auditorsMax = firstDrawn + thenDrawn + lastDrawn;
