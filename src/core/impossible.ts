/** Why a description cannot work, as people are told: the field to change, and what it must be. */
export interface Impossible {
  readonly path: readonly string[];
  readonly message: string;
}
