/** What starlings can say of a file, one entry for each kind of it: by what it is known, and what is in it. */
import { open, readFile, stat } from 'node:fs/promises';
import { decodeCanonical } from '../../../core/canonical-cbor.ts';
import { parseLongJson } from '../../../core/parse-json.ts';
import { amount } from '../../../node/words/amount.ts';
import { readAtMost } from '../../../platform/node/read-at-most.ts';
import { shellWord } from '../../../platform/node/shell-word.ts';
import type { Inspected, Inspection, Looks } from './inspection.ts';
import { MODEL_DESCRIPTIONS } from './model-descriptions.ts';
import { WRITTEN_FILES } from './written-files.ts';

const headBytes = 64 << 10;
/** A text of more is no description that people write; a record of a long simulation may be. */
const textBytesMax = 256 << 20;
const cborBytesMax = 1 << 20;

const INSPECTIONS: readonly Inspection[] = [
  {
    what: 'a model in the safetensors format',
    isSo: ({ head }) => head.length > 9 && head.readBigUInt64LE() < 2n ** 32n && head[8] === 0x7b,
    tell: async (path) => {
      const { readSafetensors } = await import('../../../learning/model-files/safetensors.ts');
      const { model, vector, metadata } = await readSafetensors(path);
      return {
        lines: [
          `model       ${model.kind}, ${vector.length} parameters`,
          ...Object.entries(metadata).map(([name, value]) => `${name.padEnd(11)} ${value}`),
        ],
        json: { model, parameters: vector.length, metadata },
      };
    },
  },
  {
    what: 'the archive of a log',
    isSo: ({ head }) => head.toString('latin1', 0, 14) === 'starlings-log/',
    tell: async (path) => {
      const { verifyLog } = await import('../../../daemon/log-archive.ts');
      const { summaryLines } = await import('../../view/archive-lines.ts');
      const summary = await verifyLog(path);
      return { lines: summaryLines(summary), json: { ...summary } };
    },
  },
  {
    what: 'the manifest of a run',
    isSo: ({ parts }) => parts.length === 2,
    tell: async (path) => {
      const { createCrypto } = await import('../../../platform/node/crypto.ts');
      const { readManifestFile } = await import('../../../node/files/manifest-file.ts');
      const { trains } = await import('../../../methods/registry.ts');
      const { lengthText } = await import('../../../node/words/round-text.ts');
      const { runId, manifest } = await readManifestFile(path, createCrypto());
      return {
        lines: [
          ...[`run         ${manifest.name} (${runId})`, `signed by   ${manifest.creator}`],
          ...[
            `method      ${manifest.strategy.id}`,
            `model       ${manifest.model.kind}; ${lengthText({ ...manifest, trains: trains(manifest.strategy) })}`,
          ],
          `begins      ${new Date(manifest.startAtMs).toISOString()}; all of it: starlings run show ${shellWord(path)}`,
        ],
        json: { runId, ...manifest },
      };
    },
  },
  { what: 'an entry of a log', isSo: ({ parts }) => parts.length === 3, tell: tellEntry },
  {
    what: 'the record of a simulation',
    isSo: ({ keys }) => keys.has('format') && keys.has('frames'),
    tell: async (path) => {
      const { readChronicle } = await import('../../../../sim/report/read-chronicle.ts');
      const { name, rows, nodes, result } = await readChronicle(path);
      return {
        lines: [`scenario    ${name}, ${nodes.length} peers, ${rows.length} rounds measured`],
        json: { name, peers: nodes.length, rounds: rows.length, result },
      };
    },
  },
  {
    what: 'a scenario for the simulator',
    isSo: ({ keys }) => keys.has('peers') && (keys.has('runFile') || keys.has('run')),
    tell: async (path) => {
      const { loadScenario } = await import('../../../../sim/scenario/scenario.ts');
      const { peers, run } = await loadScenario(path);
      return { lines: [`scenario    ${peers} peers, run ${run.name}`], json: { peers, run: run.name } };
    },
  },
  {
    what: 'a comparison of methods',
    isSo: ({ keys }) => keys.has('scenario') && keys.has('strategies'),
    tell: async (path) => {
      const { loadComparison } = await import('../../../../sim/compare/compare-file.ts');
      const { variants, measurements } = await loadComparison(path);
      const names = variants.map(({ name }) => name);
      return { lines: [`comparison  ${names.join(', ')}`], json: { variants: names, measurements } };
    },
  },
  ...MODEL_DESCRIPTIONS,
  {
    what: 'the description of a run',
    isSo: ({ keys }) => keys.has('model') && keys.has('task'),
    tell: async (path) => {
      const { loadRunSpec } = await import('../../../config/run-file.ts');
      const { parameterCount } = await import('../../../tasks/models/model-layout.ts');
      const { trains } = await import('../../../methods/registry.ts');
      const { lengthText } = await import('../../../node/words/round-text.ts');
      const { name, model, task, strategy, rounds, slotMs } = await loadRunSpec(path);
      const parameters = parameterCount(model);
      return {
        lines: [
          `run         ${name}: ${lengthText({ trains: trains(strategy), rounds, slotMs })} by ${strategy.id}`,
          `model       ${model.kind}, ${parameters} parameters, on ${task.kind}`,
        ],
        json: { name, model, task, method: strategy.id, rounds, slotMs, parameters },
      };
    },
  },
  {
    what: 'the settings of a node',
    isSo: ({ keys }) => keys.has('runs'),
    tell: async (path) => {
      const { loadYamlFile } = await import('../../../config/yaml-file.ts');
      const { nodeFileSchema } = await import('../../../daemon/node-file.ts');
      const settings = await loadYamlFile(path, nodeFileSchema);
      return { lines: settings.runs.map(({ run }) => `takes part in ${run}`), json: { ...settings } };
    },
  },
  ...WRITTEN_FILES,
];

/** Null where it is nothing of these. @throws system errors, and where it is broken */
export async function inspect(path: string): Promise<Inspected | null> {
  const found = await stat(path);
  if (found.isDirectory()) return inspectDirectory(path);
  const looks = await looksOf(path);
  const inspection = INSPECTIONS.find(({ isSo }) => isSo(looks));
  return inspection ? { what: inspection.what, ...(await inspection.tell(path)) } : null;
}

async function inspectDirectory(path: string): Promise<Inspected | null> {
  const { existsSync } = await import('node:fs');
  const { join } = await import('node:path');
  const { STATE_FILE } = await import('../../../testnet/testnet-state.ts');
  const { LOG_FILE } = await import('../../../daemon/directory.ts');
  const isTestnet = existsSync(join(path, STATE_FILE));
  if (!isTestnet && !existsSync(join(path, LOG_FILE))) {
    // The folder of an exported model is what its description is.
    const description = join(path, 'model.json');
    return existsSync(description) ? inspect(description) : null;
  }
  const { recordOf } = await import('../../../testnet/recorded-testnet.ts');
  const { nodes } = await recordOf(path);
  const stand = nodes.flatMap(({ name, runs }) =>
    runs.map(({ view }) => ({
      node: name,
      run: view.run?.name ?? view.runId,
      rounds: view.roundsDone,
      outcome: view.outcome,
    })),
  );
  return {
    what: isTestnet ? 'the directory of a testnet' : 'the directory of a node',
    lines: stand.map(
      ({ node, run, rounds, outcome }) =>
        `${node.padEnd(11)} ${run}, ${amount(rounds, 'round')}, ${outcome ?? 'not over'}`,
    ),
    json: { runs: stand },
  };
}

async function looksOf(path: string): Promise<Looks> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    const head = buffer.subarray(0, bytesRead);
    const small = await readAtMost(path, cborBytesMax);
    const parts = small === null ? [] : partsOf(small);
    const isText = !head.includes(0);
    return { path, head, parts, keys: isText && parts.length === 0 ? await keysOf(path) : new Set() };
  } finally {
    await file.close();
  }
}

function partsOf(bytes: Uint8Array): readonly unknown[] {
  const decoded = decodeCanonical(bytes, 8);
  return Array.isArray(decoded) && decoded[0] instanceof Uint8Array ? decoded : [];
}

async function keysOf(path: string): Promise<ReadonlySet<string>> {
  const { isMap } = await import('yaml');
  const { yamlBytesMax } = await import('../../../config/yaml-file.ts');
  const { yamlDocument } = await import('../../../config/yaml-document.ts');
  const bytes = await readAtMost(path, textBytesMax);
  if (bytes === null) return new Set();
  const text = bytes.toString('utf8');
  const json = parseLongJson(text);
  if (typeof json === 'object' && json !== null) return new Set(Object.keys(json));
  if (bytes.length > yamlBytesMax) return new Set();
  const { contents } = yamlDocument(text).document;
  return new Set(isMap(contents) ? contents.items.map(({ key }) => String(key)) : []);
}

async function tellEntry(path: string): Promise<Omit<Inspected, 'what'>> {
  const { decodeHeader } = await import('../../../log/envelope.ts');
  const { createCrypto } = await import('../../../platform/node/crypto.ts');
  const { ManifestError } = await import('../../../run/manifest.ts');
  const [header, signature, body] = partsOf(await readFile(path));
  const fields = header instanceof Uint8Array ? decodeHeader(header) : null;
  if (!fields || !(header instanceof Uint8Array) || !(signature instanceof Uint8Array)) {
    throw new ManifestError(
      `${path}: expected a list of header, signature and body, as entries of a log are`,
    );
  }
  const { runId, author, round, kind, index, bodyBytes } = fields;
  const isSigned = createCrypto().verify(author, signature, header);
  return {
    lines: [
      ...[
        `run         ${runId}`,
        `author      ${author}, ${isSigned ? 'good signature' : 'the signature is NOT good'}`,
      ],
      ...[
        `round       ${round}`,
        `kind        number ${kind} of the run, the author's ${index + 1}. in the round`,
      ],
      `body        ${bodyBytes} bytes${body === null ? ', not in here' : ''}`,
    ],
    json: { runId, author, round, kind, index, bodyBytes, isSigned },
  };
}
