/** The network names a transport in src/network/profiles and nowhere else: adding one is adding a file there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageOf, readSources, type SourceFile, specifiersOf } from './source-tree.ts';

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
  assert.equal(transportsNamed([{ path: 'src/network/host.ts', text }]).length, 2);
  assert.equal(transportsNamed([{ path: 'src/network/profiles/browser.ts', text }]).length, 0);
});
