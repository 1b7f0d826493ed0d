/** `node-03`; enough digits that the names sort. */
export function memberName(role: 'node' | 'bootstrap', index: number): string {
  return `${role}-${String(index).padStart(2, '0')}`;
}
