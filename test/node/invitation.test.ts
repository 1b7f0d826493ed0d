import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import {
  type Invitation,
  inviteTo,
  joinCommand,
  readInvitation,
  unfold,
  writeInvitation,
} from '../../src/node/invitation.ts';
import { someView } from './some-view.ts';

const runId = 'bafyreigd7ikji2uqsyevqb433sfan3wdbls4mn2a53aopnvhtvnmzltpse';
const hash = 'ab'.repeat(32);
const full: Invitation = {
  runId,
  addresses: ['/dns4/node.example.org/tcp/4001/p2p/12D3', '/ip6/2001:db8::1/tcp/1/p2p/12D4'],
  checkpoint: `19:${hash}:${hash}`,
  credential: '80',
  signer: 'cd'.repeat(32),
  networkKey: 'ef'.repeat(32),
  secret: '12'.repeat(32),
};
const bare: Invitation = {
  ...full,
  ...{ checkpoint: null, credential: null, signer: null, networkKey: null, secret: null },
};

/** As somebody writes one who means harm: the sum is right. */
function summed(content: string): string {
  return `${content}+sum=${crc32(content).toString(16).padStart(8, '0')}`;
}

function refused(text: string, message: RegExp): void {
  assert.throws(
    () => readInvitation(text),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'BAD_INVITATION');
      assert.match(error.message, message);
      assert.match(error.message, /^[ -~]{1,300}$/, 'one printable sentence');
      return true;
    },
  );
}

describe('an invitation', () => {
  test('is read as it was written, and a shell takes it as it is', () => {
    for (const invitation of [full, bare]) {
      const text = writeInvitation(invitation);
      assert.deepEqual(readInvitation(` ${text}\n`), invitation);
      assert.match(text, /^starlings:[\w.:/+=-]+$/);
    }
  });

  test('with any one character changed, left out or added is refused', () => {
    const text = writeInvitation(full);
    const edit = fc.record({
      at: fc.nat(text.length - 1),
      removed: fc.integer({ min: 0, max: 1 }),
      put: fc.constantFrom('', 'a', '0', '+', '/', '=', ':'),
    });
    fc.assert(
      fc.property(edit, ({ at, removed, put }) => {
        const changed = text.slice(0, at) + put + text.slice(at + removed);
        if (changed !== text) refused(changed, /./);
      }),
    );
  });

  test('of somebody who means harm ends in one sentence that holds none of its words', () => {
    const address = full.addresses[0];
    refused('x'.repeat(1 << 20), /at most 2900 characters, and this has 1048576/);
    refused(`starlings:${'a'.repeat(2890)}`, /the end .* is missing/);
    refused(summed(`starlings:${runId}+${address}\u001b]0;owned\u0007`), /holds letters/);
    refused(summed(`starlings:${runId}+/x/$(reboot)/p2p/a`), /holds letters/);
    refused(summed(`starlings:${runId}+${address};reboot`), /holds letters/);
    refused(summed(`http:${runId}+${address}`), /begins with starlings:/);
    refused(writeInvitation(full).replace('+sum=', '+sun='), /the end .* is missing/);
    refused(
      writeInvitation(full).replace(runId, runId.replace('bafyreig', 'bafyreih')),
      /a character .* is wrong/,
    );
    refused(summed(`starlings:+${address}`), /names no run/);
    refused(summed(`starlings:../../etc+${address}`), /names no run/);
    refused(summed(`starlings:manifest+${address}`), /names no run/);
    refused(summed(`starlings:${runId}`), /1 to 8 addresses, and this one 0/);
    refused(summed(`starlings:${runId}${`+${address}`.repeat(9)}`), /1 to 8 addresses, and this one 9/);
    refused(summed(`starlings:${runId}+/ip4/192.0.2.1/tcp/1`), /an address .* is none of a node/);
    for (const part of [
      'surprise=1',
      'checkpoint=19',
      'network-key=00',
      `signer=${hash}+signer=${hash}`,
      'constructor=1',
      '',
    ]) {
      refused(summed(`starlings:${runId}+${address}+${part}`), /does not understand/);
    }
  });

  test('no text makes it fail in another way', () => {
    const sound = fc.constantFrom(...writeInvitation(full).split(/(?=\+)/), '+sum=', 'starlings:', '=', '+');
    const hostile = fc.array(fc.oneof(sound, fc.string()), { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(hostile, (text) => {
        for (const each of [text, summed(text)]) {
          try {
            readInvitation(each);
          } catch (error) {
            assert.equal((error as { code?: string }).code, 'BAD_INVITATION');
          }
        }
      }),
    );
  });

  test('of a node says what others can dial, and nothing that does not belong into one', () => {
    const here = '/ip4/127.0.0.1/tcp/4001/p2p/12D3';
    const there = '/dns4/node.example.org/tcp/4001/p2p/12D3';
    const of = (...addresses: string[]) => inviteTo(runId, [someView({ phase: 'training' })], addresses);
    assert.deepEqual(
      readInvitation(of(here, there, '/x/$(reboot)', '/ip4/192.0.2.1/tcp/1')!.text).addresses,
      [there],
    );
    assert.equal(of(here, there)?.isLocal, false);
    assert.equal(of(here)?.isLocal, true);
    assert.equal(readInvitation(of(...Array(9).fill(there))!.text).addresses.length, 3);
    assert.equal(of(), null);
    assert.equal(inviteTo(runId, [someView({ run: null })], [there]), null);
    assert.equal(inviteTo(runId, [someView({ phase: 'finished' })], [there]), null);
    assert.equal(inviteTo('../x', [someView()], [there]), null);
  });

  test('to an open run has a place in its history, to a closed one who signed it', () => {
    const view = someView();
    const of = (checkpoint: string, known: number | null): Invitation =>
      readInvitation(
        inviteTo(runId, [{ ...view, checkpoint, members: { ...view.members, known } }], [...full.addresses], {
          networkKey: hash,
          credential: null,
          secret: null,
        })!.text,
      );
    assert.deepEqual(of(full.checkpoint!, null), {
      ...full,
      credential: null,
      signer: null,
      networkKey: hash,
      secret: null,
    });
    assert.deepEqual(of(full.checkpoint!, 3), {
      ...full,
      checkpoint: null,
      credential: null,
      networkKey: hash,
      secret: null,
    });
    assert.equal(of('19:$(reboot)', null).checkpoint, null);
  });

  test('to a hidden run is none without its secret, which is in no view', () => {
    const view = someView({ phase: 'training' });
    const views = [{ ...view, run: { ...view.run!, isHidden: true } }];
    assert.equal(inviteTo(runId, views, full.addresses), null);
    const given = { networkKey: null, credential: null, secret: hash };
    assert.equal(readInvitation(inviteTo(runId, views, full.addresses, given)!.text).secret, hash);
  });

  test('is taken up with data where the run trains, and without where it is a log', () => {
    assert.equal(joinCommand('IT', true, 'PATH'), 'starlings join IT --data PATH');
    assert.equal(joinCommand('IT', false, 'PATH'), 'starlings join IT --no-data');
  });

  test('stands for what it says where a run is named, and what is said besides goes before', () => {
    const told = unfold({ run: writeInvitation(full), data: 'x', bootstrap: ['/mine'] }, 'own');
    assert.deepEqual(told.wanted, {
      ...{ run: runId, data: 'x', bootstrap: ['/mine', ...full.addresses], checkpoint: full.checkpoint },
      ...{ credential: full.credential, secret: full.secret },
    });
    assert.equal(told.told.length, 2);
    assert.match(told.told[0]!, new RegExp(`if own is not among them.* signed by ${full.signer}`));
    assert.doesNotMatch(told.told[1]!, new RegExp(full.networkKey!));
    assert.equal(unfold({ run: writeInvitation(full), checkpoint: 'mine' }, '').wanted.checkpoint, 'mine');
    assert.deepEqual(unfold({ run: runId }, ''), { wanted: { run: runId }, told: [] });
  });
});
