/** The network names a transport in src/network/profiles and nowhere else, and a node none: adding one is adding a file there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageOf, readSources, type SourceFile, specifiersOf, targetOf } from './source-tree.ts';

const transports =
  /^(@libp2p\/(tcp|websockets|webrtc|webrtc-direct|webtransport|memory|circuit-relay-v2)|@chainsafe\/libp2p-quic|node:net)$/;

function transportsNamed(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    specifiersOf(file)
      .filter((specifier) => transports.test(packageOf(specifier) ?? specifier))
      .filter(() => !file.path.startsWith('src/network/profiles/'))
      .map((specifier) => `${file.path} imports ${specifier}`),
  );
}

/** What a host talks over is the choice of who composes the node. */
function profilesChosen(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    specifiersOf(file)
      .map((specifier) => targetOf(file, specifier))
      .filter((target) => target?.startsWith('src/network/profiles/') && !target.endsWith('/host-profile.ts'))
      .map((target) => `${file.path} imports ${target}`),
  );
}

test('src/node chooses no profile', () => {
  assert.deepEqual(profilesChosen(readSources('src/node')), [], 'take it as an option, as createNode does');
  const text = "import { tcpProfile } from '../network/profiles/tcp.ts';\n";
  assert.equal(profilesChosen([{ path: 'src/node/x.ts', text }]).length, 1);
});

test('only src/network/profiles names a transport', () => {
  const sources = readSources('src/network');
  assert.ok(
    sources.some(({ path }) => path === 'src/network/profiles/tcp.ts'),
    'the profiles are elsewhere now',
  );
  assert.deepEqual(
    transportsNamed(sources),
    [],
    'put it into the HostProfile, which says what a host talks over',
  );
  const text = "import { webSockets } from '@libp2p/websockets';\nimport { Socket } from 'node:net';\n";
  assert.equal(transportsNamed([{ path: 'src/network/host/host.ts', text }]).length, 2);
  assert.equal(transportsNamed([{ path: 'src/network/profiles/browser.ts', text }]).length, 0);
});
