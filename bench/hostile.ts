/**
 * What strangers can make a node spend: `npm run bench:hostile`, with `-- --json` for machines. A gossip frame of 512 messages that are
 * good for nothing, from its bytes to the last verdict, each time from another peer; and what anchors add to an entry. Milliseconds
 * are also given as ratios to parsing the frame alone and to verifying one signature.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createDeltaCodec } from '../src/codec/delta.ts';
import type { ProtocolCore, Verdict } from '../src/core/io.ts';
import { initialVector } from '../src/learning/initial.ts';
import { type Anchor, encodeEnvelope, sealEnvelope } from '../src/log/envelope.ts';
import { median } from '../src/math/statistics.ts';
import { createCore } from '../src/methods/create-core.ts';
import { createHost, type Host } from '../src/network/host/host.ts';
import { identityFromSeed, peerIdOf } from '../src/network/identity.ts';
import { tcpProfile } from '../src/network/profiles/tcp.ts';
import { announcementTopic } from '../src/network/protocols.ts';
import { createRun } from '../src/node/files/manifest-file.ts';
import { createCrypto } from '../src/platform/node/crypto.ts';
import { secretBytes } from '../src/platform/node/secrets.ts';
import { runSpecSchema } from '../src/run/run-spec.ts';

const MESSAGES = 512;
const WARM_UP_RUNS = 5;
const RUNS = 21;

const crypto = createCrypto();
const { signer } = identityFromSeed(new Uint8Array(32).fill(1));
const spec = runSpecSchema.parse({
  name: 'bench',
  model: { kind: 'mlp', inputs: 784, hidden: [16], outputs: 10 },
  task: { kind: 'idx-images' },
  training: { localSteps: 8 },
  rounds: 100,
  slotMs: 1_000,
});
if (spec.strategy.id !== 'delta-log') throw new Error('the default method keeps a log');
const run = createRun(spec, 1_000_000, crypto, signer);
const topic = announcementTopic(run.runId);
const initial = initialVector(spec.model, spec.seed);
const codec = createDeltaCodec(spec.strategy.codec, initial.length, () => 0);

function entry(anchor: Anchor | null) {
  const body = codec.encode(codec.select(initial));
  const place = { round: 3, kind: 0, index: 0, anchor, claims: [0, 8] };
  return sealEnvelope(place, body, { runId: run.runId, crypto }, signer);
}
const anchor = { round: 2 ** 30, root: randomBytes(32), snapshot: randomBytes(32) };
const good = { ...entry(anchor), round: 2 ** 31 - 1 };

/** What gossipsub has for what comes in, without the stream in front of it. */
interface Inbound {
  decodeRpc(bytes: Uint8Array): unknown;
  handleReceivedRpc(from: unknown, rpc: unknown): Promise<void>;
}

/** The frame of these messages as gossipsub writes it: `RPC { publish: [{ data = 2, topic = 4 }] }`, publish = 2. */
function frameOf(messages: readonly Uint8Array[]): Uint8Array {
  const field = (number: number, bytes: Uint8Array): Buffer => {
    const head = [(number << 3) | 2];
    for (let rest = bytes.length; ; rest >>>= 7) {
      if (rest < 128) {
        head.push(rest);
        return Buffer.concat([Buffer.from(head), bytes]);
      }
      head.push((rest & 127) | 128);
    }
  };
  const name = field(4, Buffer.from(topic));
  return Buffer.concat(messages.map((data) => field(2, Buffer.concat([field(2, data), name]))));
}

const garbage: Readonly<Record<string, () => Uint8Array>> = {
  'random bytes': () => randomBytes(92),
  'entries under bad signatures': () => encodeEnvelope({ ...good, signature: randomBytes(64) }),
};

function judgedBy(core: ProtocolCore): () => number {
  return () => Object.values(core.status(1_003_000).refused).reduce((sum, count) => sum + count, 0);
}

/** Median ms of a frame from bytes to verdicts, of parsing it alone, and how many messages of it the core had to judge. */
async function timed(host: Host, core: ProtocolCore, message: () => Uint8Array) {
  const gossip = host.libp2p.services.gossip as unknown as Inbound;
  const judged = judgedBy(core);
  const [whole, parsing]: [number[], number[]] = [[], []];
  let perFrame = 0;
  for (let count = -WARM_UP_RUNS; count < RUNS; count++) {
    const bytes = frameOf(Array.from({ length: MESSAGES }, message));
    const from = peerIdOf(identityFromSeed(randomBytes(32)).key);
    const before = judged();
    const startMs = performance.now();
    await gossip.handleReceivedRpc(from, gossip.decodeRpc(bytes));
    await turn();
    const handledMs = performance.now();
    gossip.decodeRpc(bytes);
    const parsedMs = performance.now();
    perFrame = judged() - before;
    if (count < 0) continue;
    whole.push(handledMs - startMs);
    parsing.push(parsedMs - handledMs);
  }
  return { medianMs: median(whole), parsingMs: median(parsing), judged: perFrame };
}

function verifyingMs(): number {
  const times = Array.from({ length: 200 }, () => {
    const startMs = performance.now();
    crypto.verify(signer.key, good.signature, good.header);
    return performance.now() - startMs;
  });
  return median(times);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
  const host = await createHost({
    identity: identityFromSeed(new Uint8Array(32).fill(2)),
    profile: tcpProfile({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
  });
  await host.start();
  const own = identityFromSeed(new Uint8Array(32).fill(2)).signer;
  const core = createCore(run.manifest, run.runId, {
    crypto,
    signer: own,
    secretBytes,
    initial,
    random: () => 0,
    stored: [],
  });
  core.handle({ type: 'start' }, 1_003_000);
  host.gossip.join(topic, async (from, bytes): Promise<Verdict> => {
    const input = { type: 'announcement', from: from ?? '', token: 1, bytes } as const;
    const outputs = core.handle(input, 1_003_000);
    return outputs.find((output) => output.type === 'verdict')?.verdict ?? 'ignore';
  });
  const signatureMs = verifyingMs();
  const anchorBytes = entry(anchor).header.length - entry(null).header.length;
  const rows = [];
  for (const [name, message] of Object.entries(garbage)) {
    const { medianMs, parsingMs, judged } = await timed(host, core, message);
    const ratios = { toParsing: medianMs / parsingMs, toSignature: medianMs / signatureMs };
    rows.push({ name: `${MESSAGES} ${name} in a frame`, medianMs, ...ratios, judged, runs: RUNS });
  }
  await host.stop();
  if (values.json) console.log(JSON.stringify({ rows, signatureMs, anchorBytes }));
  else {
    for (const { name, medianMs, toParsing, toSignature, judged } of rows)
      console.log(
        `${name.padEnd(48)} ${medianMs.toFixed(1).padStart(6)} ms  ${toParsing.toFixed(1)} x parsing it  ` +
          `${toSignature.toFixed(0)} x a signature  ${judged} of them judged`,
      );
    console.log(
      `one signature ${signatureMs.toFixed(3)} ms; an anchor adds ${anchorBytes} bytes to an entry`,
    );
  }
}

await main();
