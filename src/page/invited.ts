/** What somebody pasted: an invitation, the command that a page shows around one, a run id, or the path of a manifest. Pure. */
import { isMeantAsInvitation } from '../node/invitation.ts';

export function runMeantBy(text: string): string {
  return text.trim().split(/\s+/).find(isMeantAsInvitation) ?? text.trim();
}
