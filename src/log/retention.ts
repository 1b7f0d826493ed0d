/** What a node keeps of a log; here by itself, for those who only offer the choice. */

/** What a node keeps of the rounds that its snapshots cover: nothing; every entry; or besides what its own trainings began with. */
export const RETENTIONS = ['snapshots', 'everything', 'audit'] as const;
export type Retention = (typeof RETENTIONS)[number];
