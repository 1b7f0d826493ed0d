import { loopbackLine } from './loopback-line.ts';
import { transportContract } from './transport-contract.ts';
import { VirtualLine } from './virtual-world.ts';

transportContract('libp2p over loopback', loopbackLine);
transportContract("the simulator's carrier", async () => new VirtualLine());
