/** Annotation by several people: records go in, labels come out, all through the log of a run. */
import type { Command } from 'commander';
import { commandOf } from '../node/commands/commands.ts';
import { addLabelAgreementCommand } from './label-agreement.ts';
import { addLabelAnswerCommand } from './label-answer.ts';
import { addLabelDecideCommand } from './label-decide.ts';
import { addLabelExportCommand } from './label-export.ts';
import { addLabelImportCommand } from './label-import.ts';
import { addLabelRevealCommand } from './label-reveal.ts';
import { addLabelServeCommand } from './label-serve.ts';
import { addControl } from './node-controls.ts';

export function addLabelCommands(parent: Command): void {
  addLabelImportCommand(parent);
  addLabelServeCommand(parent);
  addLabelAnswerCommand(parent);
  addControl(parent, commandOf('labels')!, 'show');
  addLabelAgreementCommand(parent);
  addLabelDecideCommand(parent);
  addLabelRevealCommand(parent);
  addLabelExportCommand(parent);
}
