/**
 * Keys of one person that want a node to themselves, on real hosts over loopback: `npm run bench:eclipse`, with `-- --strangers 40`,
 * `--honest 12`, `--seconds 60` for others, and `--chosen 0` without the places for peers that a node chooses itself. For each way of it: when the
 * node had its first and its fourth honest link, the fewest from then on, and the last figure. `newcomer`: the strangers are linked before it
 * has found anybody, and dial again whenever they are let go of. `settled`: they come to a node with honest links, of which one after the
 * other is lost. `dht`: their keys are the nearest to the run's in the DHT, and tell of each other alone.
 */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { reasonOf } from '../src/core/as-error.ts';
import type { Host } from '../src/network/host/host.ts';
import { type Identity, identityFromSeed, peerIdOf } from '../src/network/identity.ts';
import { runCid } from '../src/network/protocols.ts';
import { tellsOf } from '../test/network/lying-dht.ts';
import { connected, loopbackHost, someRunId } from '../test/network/real-hosts.ts';
import { type RunMember, runMember } from '../test/network/run-member.ts';

const { values } = parseArgs({
  options: {
    honest: { type: 'string', default: '12' },
    strangers: { type: 'string', default: '40' },
    seconds: { type: 'string', default: '60' },
    chosen: { type: 'string' },
    attack: { type: 'string', multiple: true, default: ['newcomer', 'settled', 'dht'] },
  },
});
const honestCount = Number(values.honest);
const strangerCount = Number(values.strangers);
const seconds = Number(values.seconds);
const links = values.chosen === undefined ? {} : { chosenMin: Number(values.chosen) };
/** Links are settled after that long. */
const settleMs = 30_000;
/** Keys that are made for one that is near. */
const keysPerNearOne = 200;
/** Of one answer; more is not heard. */
const toldMax = 20;
const runId = someRunId('eclipse');

/** Strangers want as many links as they can have. */
const greedy = { peersMin: 0, peersMax: 1_000, briefMax: 1_000 };

type Attack = 'newcomer' | 'settled' | 'dht';

interface Stage {
  readonly node: RunMember;
  readonly honest: readonly RunMember[];
  readonly strangers: readonly RunMember[];
}

/** The nearest to the run in the DHT, of as many as one has patience for. */
function nearKeys(count: number): Identity[] {
  const target = createHash('sha256').update(runCid(runId).multihash.bytes).digest();
  const made = Array.from({ length: count * keysPerNearOne }, () => {
    const identity = identityFromSeed(randomBytes(32));
    const place = createHash('sha256').update(peerIdOf(identity.key).toMultihash().bytes).digest();
    return { identity, distance: Buffer.from(place.map((byte, at) => byte ^ target[at]!)) };
  });
  made.sort((a, b) => a.distance.compare(b.distance));
  return made.slice(0, count).map(({ identity }) => identity);
}

async function member(wanted: object, identity: Identity): Promise<RunMember> {
  const made = runMember(await loopbackHost({ identity }), runId, { links: wanted });
  closers.push(async () => {
    await made.transport.stop();
    await made.host.stop();
  });
  return made;
}

/** However busy the machine. */
async function reached(from: Host, to: Host): Promise<void> {
  while (
    !(await connected(from, to).then(
      () => true,
      () => false,
    ))
  );
}

async function set(attack: Attack): Promise<Stage> {
  const someKeys = (count: number): Identity[] =>
    Array.from({ length: count }, () => identityFromSeed(randomBytes(32)));
  const keys = attack === 'dht' ? nearKeys(strangerCount) : someKeys(strangerCount);
  const honest: RunMember[] = [];
  const strangers: RunMember[] = [];
  for (const identity of someKeys(honestCount)) honest.push(await member({}, identity));
  for (const identity of keys) strangers.push(await member(greedy, identity));
  const friends = strangers.map(({ host }) => host);
  if (attack === 'dht') for (const host of friends) tellsOf(host, friends.slice(0, toldMax));
  const [first] = honest;
  for (const one of [...honest, ...strangers]) {
    await one.start();
    if (one !== first) await reached(one.host, first!.host);
  }
  await delay(5_000);
  const node = await member(links, identityFromSeed(randomBytes(32)));
  return { node, honest, strangers };
}

function honestLinks({ node, honest }: Stage): number {
  const { peers } = node.transport.stats();
  return honest.filter(({ host }) => peers.includes(host.key)).length;
}

/** Dials again whenever it was let go of, and brings something now and then, as whoever is to be kept does. */
async function besiege(stranger: RunMember, node: Host, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    if (!stranger.transport.stats().peers.includes(node.key))
      await connected(stranger.host, node).catch(() => {});
    await stranger.transport.announce(randomBytes(32)).catch(() => {});
    await delay(1_000);
  }
}

/** One after the other hangs up, each once. */
async function leave({ node, honest }: Stage, over: AbortSignal): Promise<void> {
  for (const { host } of honest) {
    await delay((1_000 * seconds) / (2 * honestCount));
    if (!over.aborted) await host.libp2p.hangUp(peerIdOf(node.host.key)).catch(() => {});
  }
}

async function play(attack: Attack): Promise<void> {
  const stage = await set(attack);
  const { node, honest, strangers } = stage;
  const over = new AbortController();
  const sieges = () => strangers.map((stranger) => besiege(stranger, node.host, over.signal));
  let going: Promise<void>[] = [];
  if (attack === 'newcomer') going = sieges();
  if (attack === 'newcomer') await delay(2_000);
  const beganMs = performance.now();
  await node.start();
  await reached(node.host, honest[0]!.host);
  if (attack === 'settled') await delay(settleMs + 1_000);
  if (attack !== 'newcomer') going = sieges();
  if (attack === 'settled') going.push(leave(stage, over.signal));
  const since = { one: Number.NaN, four: Number.NaN };
  let fewest = Number.POSITIVE_INFINITY;
  const endMs = performance.now() + 1_000 * seconds;
  while (performance.now() < endMs) {
    const count = honestLinks(stage);
    const passedS = (performance.now() - beganMs) / 1_000;
    if (count >= 1 && Number.isNaN(since.one)) since.one = passedS;
    if (count >= 4 && Number.isNaN(since.four)) since.four = passedS;
    if (!Number.isNaN(since.four)) fewest = Math.min(fewest, count);
    await delay(250);
  }
  over.abort();
  await Promise.all(going);
  const said = (value: number, digits: number): string =>
    Number.isFinite(value) ? value.toFixed(digits) : '-';
  console.log(
    [
      attack.padEnd(10),
      said(since.one, 1).padStart(8),
      said(since.four, 1).padStart(8),
      said(fewest, 0).padStart(8),
      said(honestLinks(stage), 0).padStart(8),
      said(node.transport.stats().peers.length, 0).padStart(8),
    ].join(' '),
  );
}

const attacks: readonly Attack[] = ['newcomer', 'settled', 'dht'];
let closers: Array<() => Promise<void>> = [];
console.log(
  `${honestCount} honest members, ${strangerCount} strangers, ${seconds} s${values.chosen ? `, ${values.chosen} chosen` : ''}`,
);
console.log(
  `${'attack'.padEnd(10)} ${['first s', 'four s', 'fewest', 'last', 'links'].map((head) => head.padStart(8)).join(' ')}`,
);
for (const attack of attacks) {
  if (!values.attack.includes(attack)) continue;
  await play(attack).catch((error: unknown) => {
    console.error(`${attack}: ${reasonOf(error)}`);
    process.exitCode = 1;
  });
  await Promise.all(closers.map((close) => close()));
  closers = [];
}
