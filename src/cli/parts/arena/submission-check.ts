/** What an arena would score as no model is not submitted by mistake: what is submitted counts among a key's own, for good. */
import { existsSync } from 'node:fs';
import { ConfigError } from '../../../config/config-error.ts';
import { commandNode, type NodeTarget } from '../../../daemon/connect.ts';
import type { Board } from '../../../entries/arena/board.ts';
import { readSafetensors } from '../../../learning/model-files/safetensors.ts';
import { whyUnfit } from '../../../learning/submission-fit.ts';
import { inputsOf, outputsOf } from '../../../tasks/models/model-layout.ts';

/** `input`: of `submit`. @throws ModelFileError, ConfigError; as `commandNode` */
export async function checkSubmission(
  target: NodeTarget,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<void> {
  const { file: given, run } = input;
  const file = String(given);
  // The node of another machine has files of its own, and says itself what it has not.
  if (!existsSync(file)) return;
  const model = await readSafetensors(file);
  const board = await commandNode(target, 'board', run === undefined ? {} : { run }, signal);
  const { holders, limits } = board as unknown as Board;
  // An example in a shard is what models take, and its class.
  const [inputs = 0] = holders.map(({ bytes, examples }) => bytes / 4 / examples - 1);
  const why = whyUnfit(model, inputs, limits);
  if (why === null) return;
  const is = `${file} takes ${inputsOf(model.model)} numbers and tells ${outputsOf(model.model)} classes`;
  const told =
    why === 'no-model'
      ? `${is}; examples of this arena have ${inputs} numbers, and one of several classes each`
      : why === 'too-costly'
        ? `${file} takes more to be computed than this arena allows`
        : `${file} has weights that are no finite numbers`;
  throw new ConfigError('BAD_USAGE', `${told}: it would have no score, and was not submitted`);
}
