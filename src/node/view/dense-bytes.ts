/** What a node sends that gives its whole model as float32 to every other one in every round. */
export function denseBytes(parameters: number, rounds: number, nodes: number): number {
  return 4 * parameters * rounds * (nodes - 1);
}
