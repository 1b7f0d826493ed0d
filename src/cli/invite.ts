/** What to hand to somebody who is to take part in a run. */
import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import type { NodeTarget } from '../daemon/connect.ts';
import { peerKey } from './parts/command/arguments.ts';
import { perform } from './parts/command/perform.ts';
import { startedNode, withTarget } from './parts/node/node-target.ts';

interface Options {
  readonly run?: string;
  readonly withNetworkKey?: string;
  readonly for?: string;
}

export function addInviteCommand(parent: Command): void {
  const command = parent
    .command('invite')
    .description(
      'print an invitation to a run of a running node: one string for `starlings join`, and a QR code of it',
    )
    .option('--run <run>', 'run id, its beginning, or its name; may be left out where the node has one run')
    .option(
      '--with-network-key <file>',
      'put the key of the private network in, which is a secret: whoever sees the invitation can connect',
    );
  command.option(
    '--for <key>',
    'of a run that takes who was invited: the key of the node that it is for (`starlings node id`)',
    peerKey,
  );
  withTarget(command).action((options: Options & Readonly<Record<string, unknown>>) =>
    perform(command, async ({ say, print, screen, signal }) => {
      const { run, withNetworkKey, for: key } = options;
      const networkKey = withNetworkKey === undefined ? null : await networkKeyIn(withNetworkKey);
      const { invited, isClosed, isPrivate, namesNobody, isHidden, join } = await invitationOf(
        await startedNode((name) => options[name], signal),
        { run, networkKey, key, signal },
      );
      print(invited.text);
      if (screen.isTTY) for (const line of await qrLines(invited.text, screen.columns)) print(line);
      for (const line of hintsOn({
        isClosed,
        isPrivate,
        namesNobody,
        isHidden,
        join,
        isLocal: invited.isLocal,
        hasKey: networkKey !== null,
      })) {
        say(line);
      }
      return { json: { invitation: invited.text, isLocal: invited.isLocal, isClosed, isPrivate, isHidden } };
    }),
  );
}

async function networkKeyIn(file: string): Promise<string> {
  const { loadNetworkKey } = await import('../network/identity.ts');
  return Buffer.from(await loadNetworkKey(file)).toString('hex');
}

interface InvitationOptions {
  readonly run: string | undefined;
  readonly networkKey: string | null;
  /** Whom it is for, where the run takes who was invited. */
  readonly key: string | undefined;
  readonly signal: AbortSignal;
}

/** @throws as of `commandNode`; ConfigError where the node cannot invite anybody */
async function invitationOf(target: NodeTarget, { run, networkKey, key, signal }: InvitationOptions) {
  const { commandNode, readNode } = await import('../daemon/connect.ts');
  const { nodeSettingsSchema } = await import('../node/view/node-reader.ts');
  const { runViewSchema } = await import('../node/view/run-view.ts');
  const { inviteTo, joinCommand } = await import('../node/invitation.ts');
  const { bytesToHex } = await import('../core/bytes.ts');
  const { runSecret } = await import('../daemon/run-secret.ts');
  const { json, settings } = {
    json: await commandNode(target, 'status', run === undefined ? {} : { run }, signal),
    settings: nodeSettingsSchema.parse(await readNode(target, '/config', signal)),
  };
  const views = runViewSchema.array().parse(json['runs']);
  const [view] = views;
  if (view === undefined || views.length > 1) {
    const names = views.map((each) => each.run?.name ?? each.runId).join(', ');
    throw new ConfigError(
      'BAD_USAGE',
      views.length === 0
        ? 'this node has no run to invite to: `starlings node join` joins one'
        : `this node has ${views.length} runs: say which with --run: ${names}`,
    );
  }
  const entitled =
    key === undefined ? null : await commandNode(target, 'entitle', { run: view.runId, key }, signal);
  const credential = entitled === null ? null : String(entitled['credential']);
  const isHidden = view.run?.isHidden ?? false;
  if (isHidden && typeof target !== 'string') {
    const why = 'no API tells the secret of a hidden run: invite on the machine of the node, with --dir';
    throw new ConfigError('BAD_USAGE', why);
  }
  const kept = isHidden ? await runSecret(String(target), view.runId) : null;
  if (isHidden && kept === null) {
    throw new ConfigError(
      'BAD_USAGE',
      `${target} holds no secret of this run, which is hidden: name the directory of its node with --dir`,
    );
  }
  const secret = kept && bytesToHex(kept);
  const invited = inviteTo(view.runId, [view], settings.addresses, { networkKey, credential, secret });
  if (invited === null) {
    throw new ConfigError(
      'BAD_USAGE',
      view.run === null
        ? 'the manifest of this run is not here yet: invite once the node has it'
        : view.phase === 'finished'
          ? 'this run is over: nobody can be invited to it'
          : 'this node has no address that others could dial: start it with --listen or --announce',
    );
  }
  const isPrivate = settings.connectivity?.isPrivate ?? false;
  const namesNobody = view.run?.admission === 'invite' && key === undefined;
  const join = joinCommand('INVITATION', view.run?.trains ?? true, 'PATH');
  return { invited, isClosed: view.members.known !== null, isPrivate, namesNobody, isHidden, join };
}

function* hintsOn(told: {
  readonly isClosed: boolean;
  readonly isPrivate: boolean;
  readonly namesNobody: boolean;
  readonly isHidden: boolean;
  /** What who is invited types. */
  readonly join: string;
  readonly isLocal: boolean;
  readonly hasKey: boolean;
}): Generator<string> {
  yield `who is invited types: ${told.join}`;
  if (told.hasKey) {
    yield 'it holds the key of the network, which is a secret: whoever sees it can connect, so send it as you would a password';
  } else if (told.isPrivate) {
    yield 'the network is private, and its key is not in the invitation: hand it over another way, or use --with-network-key FILE';
  }
  if (told.isHidden) {
    yield 'the run is hidden, and the invitation holds its secret: whoever sees it finds the run and its peers, so send it as you would a password';
  }
  if (told.isClosed) {
    yield 'the run takes the keys that are named in it alone, and an invitation adds none: `starlings join` shows the key of who is invited';
  }
  if (told.namesNobody) {
    yield 'the run takes the keys that a member invites, and this invitation is for none: use --for KEY, which `starlings node id` shows to whom it is for';
  }
  if (told.isLocal) {
    yield 'its addresses are of this machine alone: for others start the node with --listen /ip4/0.0.0.0/tcp/0, and behind a router with --announce';
  }
}

/** Light modules light, whatever the colours of the terminal; none where the terminal is too narrow for them. */
async function qrLines(text: string, columns: number): Promise<string[]> {
  const { renderUnicodeCompact } = await import('uqr');
  const lines = renderUnicodeCompact(text, { ecc: 'L', border: 2 }).split('\n');
  if ((lines[0]?.length ?? 0) > columns) return [];
  return lines.map((line) => `\x1b[97;40m${line}\x1b[0m`);
}
