/** Of what was started, for whoever gives them to others; `width`: of the word before each. */
export function addressLines(
  { addresses, untried }: { readonly addresses: readonly string[]; readonly untried: readonly string[] },
  width = 8,
): string[] {
  return [
    ...addresses.map((address) => `${'address'.padEnd(width)}${address}`),
    ...untried.map(
      (address) =>
        `${'untried'.padEnd(width)}nobody has dialled ${address} yet: no peer is told of it before, so give it to the first yourself`,
    ),
  ];
}
