/** One kind of file that `starlings inspect` knows. */
export interface Inspected {
  /** In a few words. */
  readonly what: string;
  readonly lines: readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Inspection {
  readonly what: string;
  /** By its first bytes, or by its keys where it is YAML or JSON; by its name where it is numbers and nothing else. */
  readonly isSo: (looks: Looks) => boolean;
  /** @throws one error with a sentence where it looks so and is broken */
  readonly tell: (path: string) => Promise<Omit<Inspected, 'what'>>;
}

export interface Looks {
  readonly path: string;
  readonly head: Buffer;
  /** Of the object that it holds, if it is text that holds one. */
  readonly keys: ReadonlySet<string>;
  /** Of what it holds, if it is CBOR: bytes of a list as such. */
  readonly parts: readonly unknown[];
}
