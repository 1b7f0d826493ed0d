/** What is left of a run or a simulation, as a page that holds all it shows. */
import { stat } from 'node:fs/promises';
import { pageReport, recordInReport } from '../../api/page-report.ts';
import { ConfigError } from '../../config/config-error.ts';
import { readAtMost } from '../../platform/node/read-at-most.ts';

/** A page of 256 nodes with all their figures takes 40 MB. */
const bytesMax = 256 << 20;

/** @throws ConfigError, NodeError, system errors */
export async function pageOf(path: string): Promise<string> {
  const found = await stat(path);
  if (found.isDirectory()) {
    const { recordOf } = await import('../../testnet/recorded-testnet.ts');
    return pageReport(await recordOf(path));
  }
  const bytes = await readAtMost(path, bytesMax);
  if (bytes === null) throw new ConfigError('BAD_USAGE', `${path} has more than ${bytesMax} bytes`);
  const text = bytes.toString('utf8');
  if (text.trimStart().startsWith('{')) {
    const { readChronicle } = await import('../../../sim/report/read-chronicle.ts');
    const { htmlReport } = await import('../../../sim/report/html-report.ts');
    return htmlReport(await readChronicle(path));
  }
  const record = recordInReport(text);
  if (record !== null) return pageReport(record);
  throw new ConfigError(
    'BAD_USAGE',
    `${path} is neither a page of \`starlings report\` nor a record of \`starlings sim --record\``,
  );
}
