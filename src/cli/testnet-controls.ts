/** What is done to a testnet besides booting it and taking it down: loaded where somebody asks for testnets. */
import type { Command } from 'commander';
import { addTestnetInitCommand } from './testnet-init.ts';
import { addTestnetKillCommand } from './testnet-kill.ts';
import { addTestnetLogsCommand } from './testnet-logs.ts';
import { addTestnetHealCommand, addTestnetPartitionCommand } from './testnet-partition.ts';
import { addTestnetRestartCommand } from './testnet-restart.ts';

export function addTestnetControls(testnet: Command): void {
  addTestnetInitCommand(testnet);
  addTestnetLogsCommand(testnet);
  addTestnetKillCommand(testnet);
  addTestnetRestartCommand(testnet);
  addTestnetPartitionCommand(testnet);
  addTestnetHealCommand(testnet);
}
