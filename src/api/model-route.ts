/** The model of a run as a file to keep. */
import { open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { RunView } from '../node/view/run-view.ts';
import { everywhere, replyError } from './replies.ts';

/** As it was saved last. @throws system errors where it cannot be read */
export async function serveModel(
  { runId, run, modelPath }: RunView,
  response: ServerResponse,
): Promise<void> {
  if (modelPath === null) {
    replyError(response, 404, 'NO_MODEL', `no model of run ${runId} is saved here yet`);
    return;
  }
  const file = await open(modelPath);
  try {
    const { size } = await file.stat();
    // What a stranger called the run goes into a header.
    const name = (run?.name ?? runId).replaceAll(/[^\w.-]+/g, '-').slice(0, 64);
    response.writeHead(200, {
      ...everywhere,
      ...{ 'content-type': 'application/octet-stream', 'content-length': size, 'cache-control': 'no-store' },
      'content-disposition': `attachment; filename="${name}.safetensors"`,
    });
    await pipeline(file.createReadStream({ autoClose: false, end: size - 1 }), response).catch(() => {
      // Whoever asked went away.
      response.destroy();
    });
  } finally {
    await file.close();
  }
}
