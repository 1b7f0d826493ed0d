/** What an answer amounts to. false: no honest peer says that, whatever its history. empty: nothing of what the peer told of, as where it has just given it up. */
export type Answered = 'good' | 'false' | 'empty';

/** Part of a misdeed that it is. Guess: it takes eighteen empty answers at once to be cut off for a while. */
export const misdeedOf: Readonly<Record<Answered, number>> = { good: 0, empty: 1 / 4, false: 1 };
