/** Lines with a delay on the loopback interface. */
import { type AddressInfo, createServer } from 'node:net';
import { type DelayedLine, delayedLine as lineBetween } from '../../src/testnet/delayed-line.ts';

const host = '127.0.0.1';

/** Listens on a free port and forwards to `targetPort`. */
export function delayedLine(targetPort: number, delayMs: number): Promise<DelayedLine> {
  return lineBetween({ host, port: 0 }, { host, port: targetPort }, delayMs);
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
