/** A testnet as units of systemd, one a member, made of the unit that ships. */
import { othersOf } from './compose.ts';
import type { Seat } from './plan.ts';

const exec = /^ExecStart=(\S+ \S+) .*$/m;

/** File name to content. */
export function systemdUnits(
  seats: readonly Seat[],
  bootstraps: readonly string[],
  shipped: string,
): Readonly<Record<string, string>> {
  const program = exec.exec(shipped)![1]!;
  return Object.fromEntries(
    seats.map((seat) => {
      const { name, role } = seat;
      const home = `/var/lib/starlings/${name}`;
      const args =
        role === 'node'
          ? ['node', '--config', `${home}/node.yaml`]
          : [
              'bootstrap',
              '--dir',
              home,
              '--listen',
              seat.listen,
              '--announce',
              seat.dial,
              ...othersOf(seat, bootstraps),
            ];
      const unit = shipped
        .replace(
          /^(#.*\n)+/,
          `# On ${seat.host}: copy ${name}/ to ${home} and this file to /etc/systemd/system, then systemctl enable --now starlings-${name}\n`,
        )
        .replace(/^Description=.*$/m, `Description=starlings ${name}`)
        .replace(exec, `ExecStart=${[program, ...args].join(' ')}`)
        .replace(/^StateDirectory=.*$/m, `StateDirectory=starlings/${name}`);
      return [`starlings-${name}.service`, unit];
    }),
  );
}
