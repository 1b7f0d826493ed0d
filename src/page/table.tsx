/** A table that scrolls by itself. */
import type { ComponentChildren } from 'preact';

export interface TableProps {
  readonly label: string;
  readonly head: readonly string[];
  /** From this column on they are numbers. */
  readonly numbersFrom: number;
  readonly rows: ReadonlyArray<{
    readonly key: string;
    readonly cells: readonly ComponentChildren[];
    readonly isWrong?: boolean;
  }>;
}

export function Table({ label, head, numbersFrom, rows }: TableProps) {
  const classOf = (at: number): string => (at >= numbersFrom ? 'number' : '');
  return (
    // A region that scrolls must be reached by the keyboard.
    <section class="scroll" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((title, at) => (
              <th key={title} scope="col" class={classOf(at)}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells: [first, ...rest], isWrong = false }) => (
            <tr key={key}>
              <th scope="row">{isWrong ? <span class="state wrong">{first}</span> : first}</th>
              {rest.map((cell, at) => (
                <td key={at} class={classOf(at + 1)}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
