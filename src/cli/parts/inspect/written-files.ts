/** Files that starlings writes beside others, or for other programs, as `starlings inspect` knows them. */
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Inspection } from './inspection.ts';

/** A file of a run has no head of its own: it lies beside the manifest that names it. */
const besideManifestName = /^(?<manifest>.*)\.(?<name>start|base)$/;

export const WRITTEN_FILES: readonly Inspection[] = [
  {
    what: 'a file of a run, beside its manifest',
    isSo: ({ path }) => besideManifestName.test(path),
    tell: async (path) => {
      const { manifest: manifestPath, name } = besideManifestName.exec(path)!.groups as Record<
        'manifest' | 'name',
        string
      >;
      const { createCrypto } = await import('../../../platform/node/crypto.ts');
      const { readManifestFile } = await import('../../../node/files/manifest-file.ts');
      const { blobRoot } = await import('../../../content/blob.ts');
      const { bytesToHex } = await import('../../../core/bytes.ts');
      const crypto = createCrypto();
      const { runId, manifest } = await readManifestFile(manifestPath, crypto);
      const bytes = await readFile(path);
      const named = manifest.files?.find((file) => file.name === name);
      const isIt = named?.root === bytesToHex(blobRoot(crypto, bytes));
      return {
        lines: [
          `run         ${manifest.name} (${runId})`,
          isIt
            ? `holds       ${bytes.length / 4} numbers, the ${name} that the manifest names`
            : `holds       ${bytes.length} bytes, and is NOT the ${name} that the manifest names`,
        ],
        json: { runId, name, bytes: bytes.length, isIt },
      };
    },
  },
  {
    what: 'a secret of 32 bytes: the key of a node, of a creator of runs or of a private network, or the secret of a hidden run',
    isSo: ({ head }) => /^[0-9a-f]{64}\s*$/.test(head.toString('latin1')),
    tell: async (path) => {
      const { loadIdentity } = await import('../../../network/identity.ts');
      const { key } = await loadIdentity(path);
      return {
        lines: [
          `public      ${key}, where it is the key of a node or of a creator`,
          'secret      it is for nobody else',
        ],
        json: { key },
      };
    },
  },
  {
    what: 'a model in the ONNX format',
    // The version of the format, and who wrote it.
    isSo: ({ head }) => head[0] === 8 && head.toString('latin1', 0, 32).includes('starlings'),
    tell: async () => ({
      lines: ['written by  starlings; its card (.md beside it) says what it was trained for'],
      json: {},
    }),
  },
  {
    what: 'the state of a testnet',
    isSo: ({ path, keys }) => basename(path) === 'testnet.json' && keys.has('members'),
    tell: async (path) => {
      const { readState } = await import('../../../testnet/testnet-state.ts');
      const { name, runId, members } = await readState(dirname(path));
      return {
        lines: [
          `run         ${name}${runId === null ? '' : ` (${runId})`}`,
          `processes   ${members.map((member) => member.name).join(', ')}`,
        ],
        json: { name, runId, members: members.map((member) => member.name) },
      };
    },
  },
  {
    what: 'moments of a table',
    isSo: ({ keys }) => keys.has('kind') && keys.has('rows') && keys.has('columns'),
    tell: async (path) => {
      const { readMoments } = await import('../../../tasks/data/table/moments-file.ts');
      const { rows, columns } = await readMoments(path);
      const names = columns.map(({ column }) => column);
      return { lines: [`table       ${rows} rows of ${names.join(', ')}`], json: { rows, columns: names } };
    },
  },
];
