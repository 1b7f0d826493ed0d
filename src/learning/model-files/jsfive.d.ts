/** The part of jsfive that is used here; it brings no types. What it cannot read it throws as text. */
declare module 'jsfive' {
  export class Group {
    readonly keys: string[];
    readonly attrs: Readonly<Record<string, unknown>>;
    get(path: string): Group | Dataset | null;
  }
  export class File extends Group {
    constructor(bytes: ArrayBufferLike, name: string);
  }
  /** What unpacks, by number. */
  export const Filters: Map<number, unknown>;
  export class Dataset {
    readonly shape: readonly number[];
    /** `<f4` and the like; of what is no number another thing. */
    readonly dtype: unknown;
    readonly value: ArrayLike<number>;
  }
}
