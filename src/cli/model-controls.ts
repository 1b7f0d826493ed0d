/** What is done with models in a registry: commands to a running node, made from the table that its API serves too. */
import type { Command } from 'commander';
import { commandOf } from '../node/commands/commands.ts';
import { addModelServeCommand } from './model-serve.ts';
import { addModelVerifyCommand } from './model-verify.ts';
import { addControl } from './node-controls.ts';

/** By what they are called here, commands of the table. */
const controls = {
  publish: 'publish',
  search: 'models',
  show: 'model',
  pull: 'pull',
  pin: 'pin',
  unpin: 'unpin',
  retire: 'retire',
  feedback: 'feedback',
} as const;

export function addModelControls(parent: Command): void {
  for (const [name, id] of Object.entries(controls)) addControl(parent, commandOf(id)!, name);
  addModelVerifyCommand(parent);
  addModelServeCommand(parent);
}
