/**
 * What the holder of a shard tells whoever signs the arena: one string, with a checksum, for a letter lost in copying would be found when nobody can be
 * let in as its holder any more.
 *
 *     HOLDER:ROOT:BYTES:EXAMPLES:CRC32
 */
import { ConfigError } from '../../../config/config-error.ts';
import { crc32 } from '../../../core/crc32.ts';
import { type Shard, shardSchema } from '../../../entries/arena/arena-rules.ts';

export function shardText({ holder, root, bytes, examples }: Shard): string {
  const content = [holder, root, bytes, examples].join(':');
  return `${content}:${crc32(content)}`;
}

/** @throws ConfigError */
export function readShardText(text: string): Shard {
  const words = text.split(':');
  const [holder, root, bytes, examples, sum] = words;
  const read = shardSchema.safeParse({ holder, root, bytes: Number(bytes), examples: Number(examples) });
  if (words.length === 5 && sum === crc32(words.slice(0, -1).join(':')) && read.success) return read.data;
  throw new ConfigError(
    'BAD_USAGE',
    words.length < 5
      ? `--shard ${text}: expected all of what \`starlings arena shard\` printed after \`shard\``
      : `--shard ${text}: a character of it is wrong: copy again what \`starlings arena shard\` printed`,
  );
}
