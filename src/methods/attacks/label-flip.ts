/** Label c of `classes` becomes classes - 1 - c: the attacker trains honestly on them (Tolpegin et al. 2020, "Data Poisoning Attacks"). */
export function flipLabels<Labels extends Uint8Array | Int32Array>(labels: Labels, classes: number): Labels {
  return labels.map((label) => classes - 1 - label) as Labels;
}
