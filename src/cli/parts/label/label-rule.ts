import { Option } from 'commander';
import { labelRules } from '../../../entries/labels/consensus.ts';

export function byRule(): Option {
  return new Option(
    '--by <rule>',
    'what answers come to where nobody decided: what more than half say, or the most probable one by what each of three or more annotators errs on (Dawid and Skene)',
  )
    .choices([...labelRules])
    .default('majority');
}
