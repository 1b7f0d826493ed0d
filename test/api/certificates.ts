/** Certificates as a test needs them, by openssl; null where it is not installed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsIdentity } from '../../src/api/listen-address.ts';

export const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';

/** For these names (`DNS:node.example`, `IP:127.0.0.1`), signed by itself, in files of the folder. */
export function makeIdentity(
  folder: string,
  name: string,
  names: string,
): TlsIdentity & { readonly files: { readonly certificate: string; readonly key: string } } {
  const files = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  const { status, stderr } = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`],
    ...['-keyout', files.key, '-out', files.certificate],
  ]);
  if (status !== 0) throw new Error(stderr.toString());
  return {
    files,
    certificate: readFileSync(files.certificate, 'utf8'),
    key: readFileSync(files.key, 'utf8'),
  };
}
