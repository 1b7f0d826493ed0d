/** How somebody else joins: what to type, and the same as a picture for a camera. */
import { encode } from 'uqr';
import { type Invited, joinCommand } from '../node/invitation.ts';

/** Empty modules around it, as readers need them (ISO/IEC 18004). */
const border = 4;

export function InvitationCard({ invitation, trains }: { invitation: Invited; trains: boolean }) {
  const { text, isLocal } = invitation;
  return (
    <div class="invitation">
      <QrCode text={text} />
      <div>
        <p>Who wants to take part types this{trains && ', with a path to examples of their own'}:</p>
        <pre class="scroll" tabIndex={0}>
          {joinCommand(text, trains, 'YOUR_DATA')}
        </pre>
        {isLocal && (
          <p class="quiet">
            These addresses are of this machine alone. For others start a node with --listen
            /ip4/0.0.0.0/tcp/0, and behind a router with --announce.
          </p>
        )}
      </div>
    </div>
  );
}

function QrCode({ text }: { text: string }) {
  const { data, size } = encode(text, { ecc: 'M', border });
  const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label="the invitation as a QR code">
      <path class="light" d={`M0 0h${size}v${size}h-${size}z`} />
      <path class="dark" d={dark.join('')} />
    </svg>
  );
}
