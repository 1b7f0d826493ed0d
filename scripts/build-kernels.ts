/**
 * Compiles the AssemblyScript kernels to WebAssembly and writes each module as base64 into a TypeScript file, so
 * that they load alike in Node, in a thread and in a browser. The same sources give the same bytes everywhere:
 * the compiler's version is pinned and nothing but its input enters the output. `test/kernels/modules.sha256` holds the hashes;
 * `--pin` renews it after a change of the sources.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as asc from 'assemblyscript/asc';
import { fromString } from 'uint8arrays/from-string';
import { toString as textOf } from 'uint8arrays/to-string';

interface Build {
  /** Name of the module and of its folder under `src/kernels/assembly`, all of whose files are entries. */
  readonly name: string;
  readonly folder: string;
  /** Relaxed operations round as the machine likes: faster, and not the same bits on every CPU. */
  readonly relaxed: boolean;
}

const BUILDS: readonly Build[] = [
  { name: 'vector', folder: 'vector', relaxed: false },
  { name: 'nn', folder: 'nn', relaxed: false },
  { name: 'nn-fast', folder: 'nn', relaxed: true },
];

const root = fileURLToPath(new URL('..', import.meta.url));

/** Compiles one module. @throws Error with the compiler's own words. */
async function compileKernels({ folder, relaxed }: Build): Promise<Uint8Array> {
  const base = join('src/kernels/assembly', folder);
  const entries = readdirSync(join(root, base))
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => `${base}/${name}`);
  const feature = ['--enable', 'simd', ...(relaxed ? ['--enable', 'relaxed-simd'] : [])];
  const options = ['-O3', '--runtime', 'stub', '--importMemory', '--noAssert', '--disableWarning', '112'];
  let binary: Uint8Array | null = null;
  const { error, stderr } = await asc.main(
    [...entries, ...options, ...feature, '--baseDir', root, '--outFile', 'module.wasm'],
    {
      writeFile: (_name, contents) => {
        binary = typeof contents === 'string' ? fromString(contents) : contents;
      },
    },
  );
  if (error !== null || binary === null) {
    throw new Error(`the kernels in ${base} do not compile:\n${stderr.toString()}`);
  }
  return binary;
}

/** All modules as they are built, by name. */
export async function compileAllKernels(): Promise<Map<string, Uint8Array>> {
  const modules = new Map<string, Uint8Array>();
  for (const build of BUILDS) {
    modules.set(build.name, await compileKernels(build));
  }
  return modules;
}

const pins = join(root, 'test/kernels/modules.sha256');

/** SHA-256 (hex) of each module as it was when last pinned, by name. */
export function pinnedHashes(): Map<string, string> {
  const lines = readFileSync(pins, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => line.split(/\s+/).reverse() as [string, string]));
}

if (import.meta.main) {
  const folder = join(root, 'src/kernels/generated');
  mkdirSync(folder, { recursive: true });
  const modules = await compileAllKernels();
  for (const [name, bytes] of modules) {
    const text = `/** Built by scripts/build-kernels.ts from src/kernels/assembly: do not edit. */\nexport const wasmBase64 =\n  '${textOf(bytes, 'base64')}';\n`;
    writeFileSync(join(folder, `${name}.ts`), text);
  }
  if (process.argv.includes('--pin')) {
    const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    writeFileSync(pins, [...modules].map(([name, bytes]) => `${hash(bytes)}  ${name}\n`).join(''));
  }
}
