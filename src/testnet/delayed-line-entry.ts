/** A delayed line as a process of its own, inside the namespace of a member: address, port, port on its loopback interface, milliseconds. */
import { delayedLine } from './delayed-line.ts';

const [host = '', port, inner, delayMs] = process.argv.slice(2);
await delayedLine({ host, port: Number(port) }, { host: '127.0.0.1', port: Number(inner) }, Number(delayMs));
process.stdout.write('ready\n');
