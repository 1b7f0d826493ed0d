/** A daemon's HTTP API as its operator sees it. */
import { type NodeStatus, nodeStatusSchema } from '../daemon/status.ts';

/** A longer answer is not a status. 1,000 contributions take 100 KiB. */
const statusBytesMax = 4 << 20;

/** GET /status. Rejects where the daemon is gone, slow or answers something else. */
export async function fetchStatus(http: string, timeoutMs: number): Promise<NodeStatus> {
  const response = await fetch(`${http}/status`, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok || response.body === null) throw new Error(`${http}/status answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > statusBytesMax) throw new Error(`${http}/status answered more than ${statusBytesMax} bytes`);
    chunks.push(chunk);
  }
  return nodeStatusSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
}
