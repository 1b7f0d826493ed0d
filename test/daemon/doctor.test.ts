/** The doctor: from facts to findings as a table, and facts of real nodes that are well, ill and gone. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { startBootstrap } from '../../src/daemon/bootstrap.ts';
import { remoteDoor } from '../../src/daemon/connect.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { DoctorFacts, ExaminedRun, NetworkFacts, PlaceFacts } from '../../src/daemon/doctor/facts.ts';
import type { Finding } from '../../src/daemon/doctor/finding.ts';
import { findingsOf } from '../../src/daemon/doctor/findings.ts';
import { gatherFacts, type Subject } from '../../src/daemon/doctor/gather-facts.ts';
import { makeNetworkKey } from '../../src/network/identity.ts';
import type { Probe, ProbeOutcome } from '../../src/network/probe.ts';
import { createRun, writeManifestFile } from '../../src/node/files/manifest-file.ts';
import type { RunView } from '../../src/node/view/run-view.ts';
import { makeIdentity, noOpenssl } from '../api/certificates.ts';
import { crypto, signerOf } from '../log/small-run.ts';
import { someView } from '../node/some-view.ts';
import { tableRun } from '../run/table-run.ts';

const peer = 'ab'.repeat(32);
const door = '/ip4/9.8.7.6/tcp/4001/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5';
const home = '/ip4/192.168.1.4/tcp/4001/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5';
const probe = (outcome: ProbeOutcome): Probe => ({ address: door, outcome });
const answers = probe({ kind: 'answers', peerId: '12D3' });

const place: PlaceFacts = {
  ...{
    path: '/n',
    isThere: true,
    isOfBootstrap: false,
    isWritable: true,
    keyFile: '/n/key',
    keyProblem: null,
    isTokenOpen: false,
  },
  ...{ diskFreeBytes: 50e9, diskWantedBytes: 1e9 },
};
const connectivity = {
  relay: {
    ...{ use: true, serve: false, reservationsMax: 64, bytesMax: 2 ** 30, durationMsMax: 3_600_000 },
    bytesPerHourMax: 2 ** 34,
  },
  ...{ mapPorts: false, multicastDns: true, isPrivate: false },
};
const network: NetworkFacts = {
  ...{ privacy: { kind: 'open' }, connectivity },
  ...{
    addresses: [door],
    untried: [],
    announces: false,
    doors: [answers],
    closedPorts: [],
    bootstraps: [answers],
    remembered: 0,
    router: null,
  },
  peers: [{ peer, name: null, runs: [], addresses: [], dialledFrom: ['/ip4/5.6.7.8/tcp/9'] }],
};
const healthyView: RunView = someView({
  ...{ state: 'running', phase: 'training', round: 9, slotMs: 2000, peers: 1, peersSeen: 1 },
  ...{ folded: { own: 5, others: 5 }, clock: { offsetMs: 0, claimedMs: null, peers: 3 }, deltasPublished: 6 },
  members: { known: null, here: 2, linked: [peer], present: [], missing: [], names: {} },
});
const lone: RunView = {
  ...healthyView,
  ...{ peers: 0, clock: { offsetMs: null, claimedMs: null, peers: 0 } },
  members: { ...healthyView.members, here: 1, linked: [] },
};
const logView: Partial<RunView> = {
  run: { ...healthyView.run!, method: 'log', trains: false },
  finalisedRound: 7,
};
const run: ExaminedRun = {
  run: 'bafy',
  view: healthyView,
  plan: null,
  holders: [{ peer, clock: null }],
  hiding: 'none',
  problem: null,
};
const healthy: DoctorFacts = {
  ...{ nowMs: 1e12, place, machine: { memoryFreeBytes: 2e9 }, network, runs: [run] },
  process: { kind: 'answers', http: 'http://127.0.0.1:1', peerKey: peer, version: '1' },
};
const ofNetwork = (more: Partial<NetworkFacts>): DoctorFacts => ({
  ...healthy,
  network: { ...network, ...more },
});
const ofPlace = (more: Partial<PlaceFacts>): DoctorFacts => ({ ...healthy, place: { ...place, ...more } });
const ofView = (more: Partial<RunView>): DoctorFacts => ({
  ...healthy,
  runs: [{ ...run, view: { ...healthyView, ...more } }],
});
const ofRouter = (external: string | null, mapPorts = false): DoctorFacts =>
  ofNetwork({
    ...{ addresses: [home], connectivity: { ...connectivity, mapPorts } },
    router: { gateway: '192.168.1.1', external },
  });
const ofBootstrap = (...outcomes: ProbeOutcome[]): DoctorFacts =>
  ofNetwork({ peers: [], bootstraps: outcomes.map(probe) });
const ofRun = (more: Partial<ExaminedRun>): DoctorFacts => ({
  ...{ ...healthy, process: { kind: 'none' }, runs: [{ ...run, view: null, ...more }] },
});
const ofHolders = (...clocks: (number | null)[]): DoctorFacts =>
  ofRun({
    holders: clocks.map((ms, index) => ({
      peer: String(index).repeat(64),
      clock: ms === null ? null : claim(ms),
    })),
  });
const claim = (ms: number) => ({ lowMs: ms, highMs: ms });
const plan = {
  startAtMs: 1e12 - 1000,
  endsAtMs: 1e12 + 600_000,
  slotMs: 2000,
  isMember: null,
  isHidden: false,
};

/** Facts that differ from those of a healthy node, and what is found: id, level, text. */
const rows: readonly (readonly [string, DoctorFacts, string, Finding['level'], RegExp])[] = [
  ['nothing runs', { ...healthy, process: { kind: 'none' } }, 'process', 'watch', /no node runs here/],
  [
    'a stopped bootstrap',
    { ...healthy, process: { kind: 'none' }, place: { ...place, isOfBootstrap: true } },
    'process',
    'watch',
    /a bootstrap ran here, and does no more/,
  ],
  [
    'killed',
    { ...healthy, process: { kind: 'killed', pid: 7, file: '/n/daemon.json' } },
    'process',
    'wrong',
    /names process 7, which is gone/,
  ],
  [
    'mute',
    { ...healthy, process: { kind: 'silent', pid: 7, http: 'http://x', reason: 'timeout' } },
    'process',
    'wrong',
    /does not answer \(timeout\)/,
  ],
  [
    'wrong API',
    { ...healthy, process: { kind: 'silent', pid: null, http: 'http://x', reason: 'refused' } },
    'process',
    'wrong',
    /does not answer/,
  ],
  [
    'asks for its token',
    { ...healthy, process: { kind: 'closed', http: 'https://x', reason: 'everything needs the token' } },
    'process',
    'wrong',
    /https:\/\/x answers, and says: everything needs the token/,
  ],
  [
    'parted by command',
    ofView({ notices: [{ id: 'parted', text: 'parted: was told to' }] }),
    'averaging',
    'watch',
    /parted: was told to/,
  ],
  [
    'port taken over',
    { ...healthy, process: { kind: 'stranger', http: 'http://x', peerKey: peer } },
    'process',
    'wrong',
    /API of another node, abababab/,
  ],
  ['no directory', ofPlace({ isThere: false }), 'directory', 'watch', /no node has run there/],
  ['not ours', ofPlace({ isWritable: false }), 'directory', 'wrong', /may not be written/],
  ['open key', ofPlace({ keyProblem: 'others may read the key file' }), 'key', 'wrong', /others may read/],
  ['open token', ofPlace({ isTokenOpen: true }), 'token', 'wrong', /command the node/],
  ['full disk', ofPlace({ diskFreeBytes: 1e6 }), 'disk', 'wrong', /^1 MB are free/],
  ['short disk', ofPlace({ diskFreeBytes: 5e8 }), 'disk', 'watch', /may come to take 1,000 MB/],
  ['little memory', { ...healthy, machine: { memoryFreeBytes: 1e8 } }, 'memory', 'watch', /100 MB of memory/],
  ['no memory', { ...healthy, machine: { memoryFreeBytes: 1e7 } }, 'memory', 'wrong', /10 MB of memory/],
  [
    'taken port',
    {
      ...ofNetwork({ closedPorts: [{ address: '/ip4/0.0.0.0/tcp/4001', reason: 'EADDRINUSE' }] }),
      process: { kind: 'none' },
    },
    'listen',
    'wrong',
    /EADDRINUSE/,
  ],
  ['nowhere', ofNetwork({ addresses: [], doors: [] }), 'address', 'wrong', /has no address/],
  [
    'private',
    ofNetwork({ addresses: ['/ip4/192.168.1.4/tcp/4001'] }),
    'address',
    'watch',
    /its own network alone/,
  ],
  [
    'loopback',
    ofNetwork({ addresses: ['/ip4/127.0.0.1/tcp/4001'] }),
    'address',
    'watch',
    /this machine alone/,
  ],
  [
    'one public address is enough',
    ofNetwork({ addresses: ['/ip4/192.168.1.4/tcp/4001', door] }),
    'address',
    'fine',
    /others dial \/ip4\/9/,
  ],
  [
    'shut',
    ofNetwork({ doors: [probe({ kind: 'timeout' })] }),
    'reachable',
    'wrong',
    /does not answer in time from this machine/,
  ],
  [
    'taken address',
    ofNetwork({ doors: [probe({ kind: 'other-key', peerId: '12Dx' })] }),
    'reachable',
    'wrong',
    /is another node, 12Dx/,
  ],
  ['never dialled', ofNetwork({ peers: [] }), 'reachable', 'watch', /no connected peer has dialled/],
  ['dialled', healthy, 'reachable', 'fine', /1 connected peer dialled this node, from elsewhere/],
  [
    'private, with its key',
    ofNetwork({ privacy: { kind: 'opened' } }),
    'network',
    'fine',
    /its key is at hand/,
  ],
  [
    'private, without its key',
    ofNetwork({ privacy: { kind: 'locked', problem: null }, doors: [], bootstraps: [] }),
    'network',
    'watch',
    /nothing of it can be tried/,
  ],
  [
    'private, with a key that cannot be used',
    ofNetwork({ privacy: { kind: 'locked', problem: 'others may read the key file /k' } }),
    'network',
    'wrong',
    /others may read/,
  ],
  ['dialled by others', healthy, 'nat', 'fine', /^reachable: others have dialled \/ip4\/9/],
  ['announced', ofNetwork({ announces: true }), 'nat', 'fine', /nobody tries whether it leads here/],
  [
    'behind NAT, at relays',
    ofNetwork({ addresses: [home, `${door}/p2p-circuit/p2p/12D3`, `${door}/p2p-circuit/p2p/12D3`] }),
    'nat',
    'fine',
    /^behind NAT: others come by way of 1 relay,/,
  ],
  ['nobody tried', ofNetwork({ addresses: [home] }), 'nat', 'watch', /^not known: nobody elsewhere/],
  [
    'a port to be had',
    ofRouter('9.8.7.6'),
    'router',
    'watch',
    /gives out ports of 9\.8\.7\.6 .* asks for none$/,
  ],
  ['a port was asked', ofRouter('9.8.7.6', true), 'router', 'watch', /nobody has come in by one yet$/],
  ['two routers', ofRouter('100.64.0.2'), 'router', 'watch', /it is behind NAT as well$/],
  ['asked in vain', ofRouter(null, true), 'router', 'watch', /^the router 192\.168\.1\.1 gives out no ports/],
  [
    'nobody tried, and no relays allowed',
    ofNetwork({
      addresses: [home],
      connectivity: { ...connectivity, relay: { ...connectivity.relay, use: false } },
    }),
    'nat',
    'watch',
    /^not known/,
  ],
  [
    'a relay itself',
    ofNetwork({ connectivity: { ...connectivity, relay: { ...connectivity.relay, serve: true } } }),
    'relay',
    'fine',
    /relays for up to 64 nodes, 1,074 MB over each connection and 17,180 MB an hour over all/,
  ],
  ['nobody known', ofNetwork({ peers: [], bootstraps: [] }), 'bootstrap', 'wrong', /no bootstrap is named/],
  [
    'remembered',
    ofNetwork({ peers: [], bootstraps: [], remembered: 3 }),
    'bootstrap',
    'fine',
    /3 addresses of peers/,
  ],
  [
    'no such name',
    ofBootstrap({ kind: 'no-name', reason: 'ENOTFOUND' }),
    'bootstrap',
    'wrong',
    /leads nowhere \(ENOTFOUND\)/,
  ],
  ['refused', ofBootstrap({ kind: 'refused' }), 'bootstrap', 'wrong', /refuses connections/],
  ['filtered', ofBootstrap({ kind: 'timeout' }), 'bootstrap', 'wrong', /does not answer in time/],
  [
    'no route',
    ofBootstrap({ kind: 'unreachable', reason: 'ENETUNREACH' }),
    'bootstrap',
    'wrong',
    /ENETUNREACH/,
  ],
  [
    'wrong key',
    ofBootstrap({ kind: 'other-key', peerId: '12Dy' }),
    'bootstrap',
    'wrong',
    /is another node, 12Dy/,
  ],
  [
    'another program',
    ofBootstrap({ kind: 'no-node', reason: 'x' }),
    'bootstrap',
    'wrong',
    /no node that we understand/,
  ],
  [
    'one way in is enough',
    ofBootstrap({ kind: 'refused' }, { kind: 'answers', peerId: '1' }),
    'bootstrap',
    'watch',
    /refuses/,
  ],
  [
    'peers are enough',
    ofNetwork({ bootstraps: [probe({ kind: 'refused' })] }),
    'bootstrap',
    'watch',
    /refuses/,
  ],
  ['no runs', { ...healthy, runs: [] }, 'run', 'watch', /no run is known/],
  ['held', healthy, 'holders', 'fine', /held by 1 peer \(abababab\), which is connected with this node$/],
  [
    'held by the mute',
    ofRun({ holders: [{ peer, clock: null }] }),
    'holders',
    'watch',
    /held by 1 peer \(abababab\), which does not answer$/,
  ],
  ['held by several, all mute', ofHolders(null, null), 'holders', 'watch', /\), who all do not answer$/],
  ['held by several, some mute', ofHolders(0, null), 'holders', 'fine', /\), of which 1 does not answer$/],
  [
    'held by several who answer',
    ofHolders(0, 0),
    'holders',
    'fine',
    /held by 2 peers \(00000000, 11111111\)$/,
  ],
  [
    'held by one that is connected and others',
    { ...healthy, runs: [{ ...run, holders: ofHolders(null, null, 0).runs[0]!.holders }] },
    'holders',
    'fine',
    /held by 4 peers .*\), of which 1 is connected with this node and 2 do not answer$/,
  ],
  ['hidden', ofRun({ hiding: 'known' }), 'hidden', 'fine', /only who has its secret finds it/],
  [
    'hidden, without its secret',
    ofRun({ view: healthyView, hiding: 'unknown' }),
    'hidden',
    'watch',
    /nobody can be looked for/,
  ],
  [
    'hidden, and nobody else was invited',
    ofRun({ view: lone, holders: [{ peer: lone.peerKey, clock: claim(0) }], hiding: 'known' }),
    'holders',
    'wrong',
    /nobody else is found/,
  ],
  [
    'alone: its own clock is no other',
    ofRun({ view: lone, holders: [{ peer: lone.peerKey, clock: claim(0) }], hiding: 'known' }),
    'clock',
    'watch',
    /too few peers/,
  ],
  [
    'a log alone has nothing to average',
    ofView({ ...logView, folded: { own: 0, others: 0 } }),
    'averaging',
    'fine',
    /its log is final up to round 7/,
  ],
  [
    'a log that was kept',
    ofView({ ...logView, phase: 'finished', outcome: 'kept', outcomeText: 'kept: the log is closed' }),
    'averaging',
    'fine',
    /kept: the log is closed/,
  ],
  [
    'silenced',
    ofView({ notices: [{ id: 'silenced', text: 'silenced: since the end of round 9 its deltas' }] }),
    'averaging',
    'wrong',
    /since the end of round 9/,
  ],
  ['held by nobody', ofRun({ holders: [] }), 'holders', 'wrong', /nobody else is found/],
  [
    'no such manifest',
    ofRun({ problem: 'x.manifest is neither' }),
    'run',
    'wrong',
    /bafy: x\.manifest is neither/,
  ],
  ['not a member', ofRun({ plan: { ...plan, isMember: false } }), 'member', 'wrong', /not among the members/],
  ['over', ofRun({ plan: { ...plan, endsAtMs: 1e12 - 600_000 } }), 'time', 'wrong', /over 10 min ago/],
  ['to come', ofRun({ plan: { ...plan, startAtMs: 1e12 + 90_000 } }), 'time', 'fine', /begins in 90 s/],
  ['under way', ofRun({ plan }), 'time', 'fine', /planned for 10 min more/],
  ['searching', ofView({ state: 'searching' }), 'averaging', 'wrong', /manifest .* is not here/],
  ['broken', ofView({ failure: 'no data' }), 'averaging', 'wrong', /cannot go on here: no data/],
  [
    'ended badly',
    ofView({ outcome: 'alone', outcomeText: 'alone: nobody came' }),
    'averaging',
    'wrong',
    /alone: nobody came/,
  ],
  [
    'ended well',
    ofView({ outcome: 'trained', outcomeText: 'trained: yes' }),
    'averaging',
    'fine',
    /trained: yes/,
  ],
  [
    'notice',
    ofView({ notices: [{ id: 'alone', text: 'alone: nobody' }] }),
    'averaging',
    'wrong',
    /alone: nobody/,
  ],
  [
    'a notice of a newer node',
    ofView({ notices: [{ id: 'else', text: 'else: what' }] }),
    'averaging',
    'watch',
    /else: what/,
  ],
  [
    'skipped',
    ofView({ skipped: { 'training took too long': 30 } }),
    'averaging',
    'wrong',
    /30 rounds went by .* training took too long/,
  ],
  [
    'not drawn is no fault',
    ofView({ skipped: { 'not in the committee': 30 } }),
    'averaging',
    'fine',
    /5 deltas of this node and 5 of others/,
  ],
  ['trouble', ofView({ trouble: 'disk' }), 'averaging', 'wrong', /disk/],
  ['slow disk', ofView({ announcementsDropped: 2 }), 'averaging', 'watch', /2 announcements dropped/],
  [
    'nothing yet',
    ofView({ folded: { own: 0, others: 0 } }),
    'averaging',
    'watch',
    /nothing of others is in the model yet/,
  ],
  [
    'clock of the only peer',
    ofView({ clock: { offsetMs: null, claimedMs: 9000, peers: 1 } }),
    'clock',
    'watch',
    /9\.0 s ahead of the only peer, and a round takes 2 s: one of the two is wrong/,
  ],
  [
    'a public address that nobody has dialled',
    ofNetwork({ untried: [door] }),
    'nat',
    'watch',
    /public address, and nobody has dialled \/ip4\/9\.8\.7\.6.* yet/,
  ],
  ['clock right', healthy, 'clock', 'fine', /agrees with 3 peers/],
  [
    'clock off a little',
    ofView({ clock: { offsetMs: 300, claimedMs: null, peers: 3 } }),
    'clock',
    'fine',
    /0\.3 s ahead of 3 peers/,
  ],
  [
    'clock off',
    ofView({ clock: { offsetMs: -1500, claimedMs: null, peers: 3 } }),
    'clock',
    'watch',
    /1\.5 s behind 3 peers/,
  ],
  [
    'clock wrong',
    ofView({ clock: { offsetMs: 9000, claimedMs: null, peers: 3 } }),
    'clock',
    'wrong',
    /9\.0 s ahead of 3 peers, and a round takes 2 s/,
  ],
  [
    'no clock',
    ofView({ clock: { offsetMs: null, claimedMs: null, peers: 0 } }),
    'clock',
    'watch',
    /too few peers/,
  ],
  [
    'clock before a start',
    ofRun({
      plan,
      holders: [
        { peer, clock: claim(5000) },
        { peer: 'cd'.repeat(32), clock: claim(4000) },
      ],
    }),
    'clock',
    'wrong',
    /4\.0 s ahead of 2 peers/,
  ],
];

describe('findings', () => {
  for (const [what, facts, id, level, text] of rows) {
    test(what, () => {
      const found = findingsOf(facts).filter((finding) => finding.id === id);
      const fitting = found.filter((finding) => finding.level === level && text.test(finding.text));
      assert.equal(fitting.length, 1, JSON.stringify(found, null, 2));
    });
  }

  test('of a healthy node there is nothing to do, and whatever is not fine says what to do in one sentence', () => {
    assert.deepEqual(
      findingsOf(healthy).filter(({ level }) => level !== 'fine'),
      [],
    );
    // With another key of the network, or none, a node sounds like another program.
    const noise = probe({ kind: 'no-node', reason: 'x' });
    for (const [privacy, hint] of [
      [{ kind: 'opened' }, /^see that it is the key of this network that was given here/],
      [{ kind: 'open' }, /^where the network is private give its key/],
    ] as const) {
      const ill = ofNetwork({ privacy, doors: [noise], bootstraps: [noise], peers: [] });
      for (const id of ['reachable', 'bootstrap']) {
        const found = findingsOf(ill).find((one) => one.id === id);
        assert.match(found && found.level !== 'fine' ? found.todo : '', hint, id);
      }
    }
    // Whoever is told to look for others by the id of a hidden run looks in vain.
    const [todo, unknown] = (['known', 'unknown'] as const).map((hiding) =>
      findingsOf(ofRun({ view: lone, holders: [], hiding })).find((one) => one.id === 'holders'),
    );
    assert.ok(todo && todo.level !== 'fine');
    assert.match(todo.todo, /^invite others from this node \(`starlings invite`\)/);
    assert.equal(unknown, undefined, 'nobody was looked for');
    for (const [what, facts] of rows) {
      for (const finding of findingsOf(facts)) {
        if (finding.level === 'fine') continue;
        assert.match(finding.todo, /^[^.].{10,}[^.]$/, what);
        assert.doesNotMatch(finding.todo, /\. /, what);
      }
    }
  });
});

const directory = await mkdtemp(join(tmpdir(), 'starlings-doctor-'));
const at = (...names: string[]): string => join(directory, ...names);
after(() => rm(directory, { recursive: true, force: true }));
const never = new AbortController().signal;

function subject(more: Partial<Subject> = {}, settings: Partial<Subject['settings']> = {}): Subject {
  return {
    ...{ directory: null, api: null, timeoutMs: 5000, ...more },
    settings: {
      keyFile: null,
      listen: [],
      announce: [],
      ...{ bootstrap: [], connectivity: {}, contentBytesMax: 0, runs: [] },
      ...settings,
    },
  };
}

const examine = async (given: Subject) => findingsOf(await gatherFacts(given, never));
const said = (findings: readonly Finding[], id: string) =>
  findings.filter((finding) => finding.id === id).map(({ level, text }) => `${level}: ${text}`);

describe('real nodes', () => {
  const base = {
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    logLevel: 'silent',
    tell: () => {},
  } as const;
  const stopper = new AbortController();
  const closed: Promise<void>[] = [];
  after(async () => {
    stopper.abort();
    await Promise.all(closed);
  });

  test('well, asked while they run, by their directory and by their API, and before another is started', async () => {
    await writeFile(
      at('clinic.csv'),
      Array.from({ length: 60 }, (_, k) => `${k % 10},${k % 7},${k % 2}`).join('\n'),
    );
    const spec = tableRun(
      {
        name: 'examined',
        ...{ rounds: 1000, slotMs: 1000 },
      },
      [5, 3],
      [3, 2],
    );
    const signed = createRun(spec, Date.now() + 60_000, crypto, signerOf(9));
    await writeManifestFile(at('run.manifest'), signed);
    const way = await startBootstrap({ ...base, directory: at('way'), bootstrap: [] }, stopper.signal);
    const runs = [{ run: at('run.manifest'), data: at('clinic.csv'), backend: 'wasm' }] as const;
    const bootstrap = way.info.addresses;
    const nodes = await Promise.all(
      ['a', 'b'].map((name) =>
        startDaemon({ ...base, directory: at(name), bootstrap, runs, httpPort: 0 }, stopper.signal),
      ),
    );
    closed.push(...[...nodes, way].map((running) => running.closed));
    const [a, b] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
    const deadline = performance.now() + 20_000;
    while (nodes.some(({ views }) => views()[0]?.peers !== 1 || views()[0]?.clock.claimedMs === null)) {
      assert.ok(performance.now() < deadline, 'they do not meet');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const both = await Promise.all([
      examine(subject({ directory: at('a') })),
      examine(subject({ directory: at('b') })),
      examine(subject({ api: { url: b.info.http!, token: null } })),
    ]);
    for (const findings of both) {
      assert.deepEqual(
        findings.filter(({ level }) => level === 'wrong'),
        [],
      );
      assert.match(
        said(findings, 'holders').join(),
        /^fine: run examined .* is held by 1 peer .*, which is connected with this node$/,
      );
      assert.match(said(findings, 'clock').join(), /^fine: the clock/);
      assert.deepEqual(said(findings, 'bootstrap'), [`fine: ${bootstrap[0]} answers`]);
    }
    const dialled = both.filter((findings) =>
      said(findings, 'reachable').join().startsWith('fine: 1 connected peer dialled'),
    );
    assert.ok(dialled.length > 0, 'one of two dialled the other, or both did at once');

    assert.deepEqual(said(await examine(subject({ directory: at('way') })), 'process'), [
      `fine: a bootstrap runs as process ${process.pid}`,
    ]);

    // Before a third is started: its file is judged, its port tried, and nothing is made.
    const later = await examine(
      subject(
        { directory: at('c') },
        {
          bootstrap,
          listen: [a.info.addresses[0]!.replace(/\/p2p.*/, '')],
          runs: [
            { run: signed.runId, data: at('no.csv') },
            { run: at('run.manifest'), data: null },
          ],
        },
      ),
    );
    assert.match(said(later, 'listen').join(), /^wrong: .* cannot be listened on \(EADDRINUSE\)/);
    assert.match(said(later, 'run').join(), /^wrong: .*no\.csv does not exist/);
    assert.match(said(later, 'holders').join(), /is held by 2 peers/);
    assert.match(said(later, 'time').join(), /^fine: run .* begins in/);
    await assert.rejects(readFile(at('c', 'key')));
  });

  test('an API that nobody answers at says nothing of bootstraps and runs', async () => {
    const findings = await examine(subject({ api: { url: 'http://127.0.0.1:1', token: null } }));
    assert.deepEqual(
      findings.map(({ id, level }) => `${id} ${level}`),
      ['process wrong', 'memory fine'],
    );
    assert.match(said(findings, 'process').join(), /^wrong: http:\/\/127\.0\.0\.1:1 does not answer/);
  });

  test('a bootstrap that was stopped is told nothing of runs, nor to name a bootstrap', async () => {
    const ending = new AbortController();
    const { closed: ended } = await startBootstrap(
      { ...base, directory: at('over'), bootstrap: [] },
      ending.signal,
    );
    ending.abort();
    await ended;
    const findings = await examine(subject({ directory: at('over') }));
    assert.deepEqual(said(findings, 'process'), ['watch: a bootstrap ran here, and does no more']);
    assert.deepEqual([...said(findings, 'bootstrap'), ...said(findings, 'run')], []);
  });

  test('whose process stands still is not told that it knows no bootstrap', async () => {
    await mkdir(at('still'));
    const info = { pid: process.pid, http: 'http://127.0.0.1:1', peerId: 'p', peerKey: peer, addresses: [] };
    await writeFile(at('still', 'daemon.json'), JSON.stringify(info));
    await writeFile(at('still', 'control.token'), `${'a'.repeat(64)}\n`, { mode: 0o600 });
    const findings = await examine(subject({ directory: at('still') }));
    assert.match(said(findings, 'process').join(), /^wrong: .* does not answer/);
    assert.deepEqual(said(findings, 'bootstrap'), []);
  });

  test('a disk with less room than the node may take is told, and a node that trains alone why it averages nothing', async () => {
    await writeFile(
      at('alone.csv'),
      Array.from({ length: 60 }, (_, k) => `${k % 10},${k % 7},${k % 2}`).join('\n'),
    );
    const signed = createRun(
      tableRun({ name: 'lonely', ...{ rounds: 1000, slotMs: 200 } }, [5, 3], [3, 2]),
      Date.now(),
      crypto,
      signerOf(9),
    );
    await writeManifestFile(at('lonely.manifest'), signed);
    const own = new AbortController();
    const node = await startDaemon(
      {
        ...{ ...base, directory: at('alone'), bootstrap: [], httpPort: 0, contentBytesMax: 2 ** 50 },
        runs: [{ run: at('lonely.manifest'), data: at('alone.csv'), backend: 'wasm' }],
      },
      own.signal,
    );
    try {
      const deadline = performance.now() + 20_000;
      while ((node.views()[0]?.deltasPublished ?? 0) === 0) {
        assert.ok(performance.now() < deadline, 'it does not train');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const findings = await examine(subject({ directory: at('alone'), timeoutMs: 1000 }));
      assert.match(
        said(findings, 'disk').join(),
        /^watch: .* MB are free for .*, and this node may come to take/,
      );
      assert.match(
        said(findings, 'averaging').join(),
        /wrong: run lonely: alone: .*no peer was ever connected/,
      );
      assert.match(said(findings, 'holders').join(), /^wrong: nobody else is found/);
      assert.match(said(findings, 'bootstrap').join(), /^wrong: no bootstrap is named/);
    } finally {
      own.abort();
      await node.closed;
    }
  });

  test('by a socket file, and with TLS, where it is told apart who has no token', {
    skip: noOpenssl,
  }, async () => {
    const own = new AbortController();
    const identity = makeIdentity(directory, 'tls', 'DNS:node.example');
    const { certificate, key } = identity.files;
    const nodes = await Promise.all(
      [
        ['socketed', { listen: `unix:${at('api.sock')}` }] as const,
        ['remote', { listen: '0.0.0.0:0', certificate, key }] as const,
      ].map(([name, api]) =>
        startDaemon({ ...base, directory: at(name), bootstrap: [], runs: [], httpPort: 0, api }, own.signal),
      ),
    );
    try {
      const [socketed, remote] = nodes.map(({ info }) => info.http!) as [string, string];
      const by = async (url: string, tokenFile?: string, certificateFile?: string) =>
        examine(subject({ api: await remoteDoor({ url, tokenFile, certificateFile }) }));
      assert.match(said(await by(socketed), 'process').join(), /^fine: starlings .* answers at unix:/);
      const at443 = remote.replace('0.0.0.0', '127.0.0.1');
      const token = at('remote', 'control.token');
      assert.match(
        said(await by(at443, token, certificate), 'process').join(),
        /^fine: starlings .* answers at https:/,
      );
      const untold = await by(at443, undefined, certificate);
      assert.match(said(untold, 'process').join(), /^wrong: https:\S+ answers, and says: .*needs the token/);
      const distrusted = await by(at443, token);
      assert.match(said(distrusted, 'process').join(), /^wrong: .*cannot be told to be the node/);
    } finally {
      own.abort();
      await Promise.all(nodes.map(({ closed: over }) => over));
    }
  });

  test('of a private network, by WebSockets as well: tried with its key, and told apart without', async () => {
    await makeNetworkKey(at('network.key'));
    await makeNetworkKey(at('other.key'));
    const connectivity = { networkKey: at('network.key'), relay: { serve: true } };
    const own = new AbortController();
    const listen = ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'];
    const node = await startDaemon(
      {
        ...{ ...base, listen, connectivity, directory: at('locked') },
        ...{ bootstrap: [], runs: [], httpPort: 0 },
      },
      own.signal,
    );
    try {
      const of = (networkKey?: string) =>
        examine(
          subject(
            { directory: at('locked'), timeoutMs: 2000 },
            { connectivity: networkKey === undefined ? {} : { networkKey } },
          ),
        );
      assert.equal(node.info.addresses.length, 2);
      const opened = await of(at('network.key'));
      assert.deepEqual(said(opened, 'network'), ['fine: the network is private, and its key is at hand']);
      assert.match(said(opened, 'reachable').join(), /^watch: every address answers from this machine/);
      assert.match(said(opened, 'relay').join(), /^fine: relays for up to 64/);
      const locked = await of();
      assert.match(said(locked, 'network').join(), /^watch: the network is private: without its key/);
      assert.doesNotMatch(said(locked, 'reachable').join(), /wrong|answers/);
      // Another key fits as little as another program does.
      assert.match(
        said(await of(at('other.key')), 'reachable').join(),
        /^wrong: .*no node that we understand/,
      );
      await chmod(at('other.key'), 0o644);
      assert.match(said(await of(at('other.key')), 'network').join(), /^wrong: others may read/);
    } finally {
      own.abort();
      await node.closed;
    }
  });

  test('ill: a key that others may read, a file that was left behind, bootstraps that fail each in its way', async () => {
    await mkdir(at('ill'));
    await writeFile(at('ill', 'key'), `${randomBytes(32).toString('hex')}\n`);
    await chmod(at('ill', 'key'), 0o644);
    await writeFile(at('ill', 'control.token'), 'x\n', { mode: 0o644 });
    const info = { pid: 2 ** 22 + 1, http: 'http://127.0.0.1:1', peerId: 'p', peerKey: peer, addresses: [] };
    await writeFile(at('ill', 'daemon.json'), JSON.stringify(info));
    const mute = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    const own = new AbortController();
    const other = await startBootstrap({ ...base, directory: at('other'), bootstrap: [] }, own.signal);
    const id = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5';
    const bootstrap = [
      `/ip4/127.0.0.1/tcp/1/p2p/${id}`,
      `/ip4/127.0.0.1/tcp/${port}/p2p/${id}`,
      `/dns4/nowhere.invalid/tcp/4001/p2p/${id}`,
      other.info.addresses[0]!.replace(/[^/]+$/, id),
    ];
    try {
      const findings = await examine(subject({ directory: at('ill'), timeoutMs: 1500 }, { bootstrap }));
      assert.match(said(findings, 'process').join(), /^wrong: .*names process 4194305, which is gone/);
      assert.match(said(findings, 'key').join(), /^wrong: others may read the key file/);
      assert.match(said(findings, 'token').join(), /^wrong: others may read control\.token/);
      const [refused, muted, nameless, mistaken] = said(findings, 'bootstrap');
      assert.match(refused!, /refuses connections/);
      assert.match(muted!, /takes connections and is no node that we understand/);
      assert.match(nameless!, /has a name that leads nowhere/);
      assert.match(mistaken!, new RegExp(`is another node, ${other.info.peerId}`));
    } finally {
      mute.close();
      own.abort();
      await other.closed;
    }
  });
});
