import type { Command } from 'commander';
import type { CompressorSpec } from '../codec/compressors/registry.ts';
import { wholeNumber } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';

/** What `starlings codec bench --json` prints of each codec. */
interface CodecFigures {
  readonly codec: string;
  readonly bitsPerParameter: number;
  /** Information of the same message; the codec is at bitsPerParameter / boundBits of it. */
  readonly boundBits: number;
  /** 10^9 bytes of float32 a second, in and out. */
  readonly encodeGBps: number;
  readonly decodeGBps: number;
  /** Euclidean norm of the error over that of the vector. */
  readonly relativeError: number;
}

/** Each direction of a codec is repeated for so long. */
const enoughMs = 150;

export function addCodecBenchCommand(parent: Command): void {
  parent
    .command('bench')
    .description(
      'bits per parameter of every codec against the information bound, speed and error, on normal numbers',
    )
    .option('--parameters <n>', 'length of the vector', wholeNumber(4096, 100_000_000), 1 << 20)
    .action((options: { readonly parameters: number }, command: Command) =>
      perform(command, async ({ say, signal }) => {
        const { compressors, createCompressor } = await import('../codec/compressors/registry.ts');
        const { rngFor } = await import('../math/rng.ts');
        const size = options.parameters;
        const rng = rngFor('codec bench');
        const vector = Float32Array.from({ length: size }, () => rng.normal());
        const random = () => rng.float();
        const rows: CodecFigures[] = [];
        say('codec                   bit/parameter     bound   of it   encode GB/s   decode GB/s   error');
        const specs = compressors.flatMap(({ schema, examples }) => examples.map((one) => schema.parse(one)));
        for (const [index, spec] of specs.entries()) {
          signal.throwIfAborted();
          const codec = `${nameOf(spec)}${index === 0 ? ' (default)' : ''}`;
          const { compress, decompress, boundBits } = createCompressor(spec, size);
          const body = compress(vector, random);
          const back = decompress(body);
          const row: CodecFigures = {
            codec,
            bitsPerParameter: (8 * body.length) / size,
            boundBits,
            encodeGBps: speedOf(size, () => compress(vector, random)),
            decodeGBps: speedOf(size, () => decompress(body)),
            relativeError: errorOf(vector, back),
          };
          rows.push(row);
          say(lineOf(row));
        }
        return { json: rows };
      }),
    );
}

/** The id, and the words among its constants. */
function nameOf(spec: CompressorSpec): string {
  return Object.values(spec)
    .filter((value) => typeof value === 'string')
    .join(' ');
}

/** The fastest of the repetitions: what else the machine did does not count. */
function speedOf(size: number, run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  const until = performance.now() + enoughMs;
  do {
    const begun = performance.now();
    run();
    best = Math.min(best, performance.now() - begun);
  } while (performance.now() < until);
  return (4 * size) / best / 1e6;
}

function errorOf(vector: Float32Array, back: Float32Array): number {
  let error = 0;
  let whole = 0;
  for (const [i, value] of vector.entries()) {
    error += (value - back[i]!) ** 2;
    whole += value * value;
  }
  return Math.sqrt(error / whole);
}

function lineOf({
  codec,
  bitsPerParameter,
  boundBits,
  encodeGBps,
  decodeGBps,
  relativeError,
}: CodecFigures): string {
  return (
    codec.padEnd(24) +
    bitsPerParameter.toFixed(4).padStart(13) +
    boundBits.toFixed(4).padStart(10) +
    (bitsPerParameter / boundBits).toFixed(3).padStart(8) +
    encodeGBps.toFixed(3).padStart(14) +
    decodeGBps.toFixed(3).padStart(14) +
    relativeError.toFixed(4).padStart(8)
  );
}
