/** The router of this machine, and one question to it. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { asError } from '../../core/as-error.ts';
import { decodePmpAnswer, encodePmpRequest, type PmpAnswer, type PmpRequest } from './message.ts';

const routerPort = 5351;
/** Before it is asked again, and twice as long each time after (RFC 6886, section 3.1: 250 ms, nine times). */
const askAgainMs = 250;

/** What a router says of itself by NAT-PMP. */
export interface RouterWord {
  readonly gateway: string;
  /** Null where it does not speak it, or gives nothing. */
  readonly external: string | null;
}

/** Where packets for everywhere go, by the kernel's table; null where there is none, or it is not told as Linux tells it. */
export async function gatewayAddress(table = '/proc/net/route'): Promise<string | null> {
  const text = await readFile(table, 'latin1').catch(() => '');
  return gatewayOf(text);
}

/** Fields: device, destination, gateway (a number as this machine has it in memory: little-endian), flags, and others. */
function gatewayOf(routes: string): string | null {
  for (const line of routes.split('\n').slice(1)) {
    const [, destination, gateway = ''] = line.split('\t');
    if (destination !== '00000000' || !/^[0-9A-F]{8}$/i.test(gateway) || /^0+$/.test(gateway)) continue;
    return Buffer.from(gateway, 'hex').reverse().join('.');
  }
  return null;
}

/**
 * What the router at that address answers, and the address of ours from which it was asked. Nobody else is listened to.
 * @throws the signal's reason: many routers do not speak it and say nothing; system errors
 */
export async function askGateway(
  gateway: string,
  request: PmpRequest,
  signal: AbortSignal,
  port = routerPort,
): Promise<{ readonly answer: PmpAnswer; readonly local: string }> {
  const socket = createSocket('udp4');
  const over = new AbortController();
  const ends = AbortSignal.any([signal, over.signal]);
  // One that nobody waits for would end the process.
  socket.on('error', () => {});
  try {
    socket.connect(port, gateway);
    await once(socket, 'connect', { signal });
    const answered = answerOn(socket, request, signal);
    void sendAgain(socket, encodePmpRequest(request), ends);
    return { answer: await answered, local: socket.address().address };
  } catch (error) {
    signal.throwIfAborted();
    throw asError(error);
  } finally {
    over.abort();
    socket.close();
  }
}

/** By what public address it says that it is reached; null where it says nothing, or has none. Never rejects. */
export async function routerOf(timeoutMs: number): Promise<RouterWord | null> {
  const gateway = await gatewayAddress();
  if (gateway === null) return null;
  const signal = AbortSignal.timeout(timeoutMs);
  const asked = await askGateway(gateway, { kind: 'external-address' }, signal).catch(() => null);
  const answer = asked?.answer;
  return { gateway, external: answer?.kind === 'external-address' ? answer.address : null };
}

/** A router that does not speak it may say so by ICMP, which is an error here, at once. */
async function answerOn(socket: Socket, request: PmpRequest, signal: AbortSignal): Promise<PmpAnswer> {
  for (;;) {
    const [bytes] = (await once(socket, 'message', { signal })) as [Uint8Array];
    const answer = decodePmpAnswer(bytes, request);
    if (answer !== null) return answer;
  }
}

async function sendAgain(socket: Socket, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  try {
    for (let waitMs = askAgainMs; ; waitMs *= 2) {
      socket.send(bytes);
      await delay(waitMs, undefined, { signal });
    }
  } catch {
    // It was answered, or given up.
  }
}
