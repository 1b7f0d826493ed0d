/** Has the desktop open an address. The package `open` does it too, and brings eleven others. */
import { spawn } from 'node:child_process';

/** By platform; elsewhere what freedesktop.org says. `explorer` asks no shell, which would take parts of an address for its own. */
const openers: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'open', win32: 'explorer' };

/** Whether it could be asked; that a window opens nobody promises. */
export function openInBrowser(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(openers[process.platform] ?? 'xdg-open', [address], {
      detached: true,
      stdio: 'ignore',
    });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
