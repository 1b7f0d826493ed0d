/** What the doctor says. */

/** fine: nothing to do; watch: may be meant so; wrong: this node does not do what it is for. */
export type FindingLevel = 'fine' | 'watch' | 'wrong';

export type Finding =
  | { readonly id: string; readonly level: 'fine'; readonly text: string }
  | {
      readonly id: string;
      readonly level: 'watch' | 'wrong';
      readonly text: string;
      /** One sentence: what to do. */
      readonly todo: string;
    };
