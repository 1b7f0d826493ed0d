/** `ROUND:ROOT:SNAPSHOT`; here by itself, for those who only look at what was typed. */
export const checkpointPattern = /^(\d{1,9}):([0-9a-f]{64}):([0-9a-f]{64})$/;
