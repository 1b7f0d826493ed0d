/** What a node keeps of a log; here by itself, for those who only offer the choice. */

/** What a node keeps of the rounds that its snapshots cover: nothing, or every entry. */
export const RETENTIONS = ['snapshots', 'everything'] as const;
export type Retention = (typeof RETENTIONS)[number];
