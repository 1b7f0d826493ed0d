/** What an event means, in plain words for whoever watches. Null for what happens all the time. */
import type { PeerKey } from '../../core/io.ts';
import { headlineOf, writeMeasure } from '../../tasks/measures.ts';
import type { NodeEvent } from '../events.ts';
import { amount } from './amount.ts';
import { privacyText } from './privacy-text.ts';

/** How it is meant: nothing to do, good news, something to look at. */
export const TONES = ['plain', 'good', 'trouble'] as const;
export type Tone = (typeof TONES)[number];

export interface EventText {
  readonly tone: Tone;
  readonly text: string;
}

type NameOf = (peer: PeerKey) => string;

export function eventText(told: NodeEvent, nameOf: NameOf): EventText | null {
  switch (told.source) {
    case 'protocol':
      return protocolText(told.event, nameOf);
    case 'network':
      return networkText(told.event, nameOf);
    case 'session':
      return sessionText(told.event);
    default:
      return told satisfies never;
  }
}

const plain = (text: string): EventText => ({ tone: 'plain', text });
const good = (text: string): EventText => ({ tone: 'good', text });
const trouble = (text: string): EventText => ({ tone: 'trouble', text });

function protocolText(
  event: (NodeEvent & { source: 'protocol' })['event'],
  nameOf: NameOf,
): EventText | null {
  switch (event.kind) {
    case 'phase':
      return event.phase === 'finished' ? good('all rounds are done') : plain(`now ${event.phase}`);
    case 'joined':
      return event.donors === 0
        ? good(`caught up to round ${event.round} by replaying what was missed`)
        : good(`caught up with a snapshot of round ${event.round} from ${amount(event.donors, 'peer')}`);
    case 'skipped':
      return plain(`nothing published in round ${event.round}: ${event.reason}`);
    case 'restored':
      return plain(
        `the peers left out what was learned in round ${event.round}: it goes along with the next delta`,
      );
    case 'equivocation':
      return trouble(
        `${nameOf(event.author)} signed two different entries for round ${event.round}: none of its entries counts any more`,
      );
    case 'fork':
      return trouble(
        `histories parted at round ${event.round}: this node goes over to the one that more peers hold`,
      );
    case 'diverging':
      return trouble(
        `the loss in round ${event.round} (${event.loss.toFixed(3)}) is far above the best (${event.best.toFixed(3)}): try a lower learning rate`,
      );
    case 'checkpoint-missing':
      return trouble(
        `no peer that has answered offers the checkpoint of round ${event.round}: ask somebody of the run for a newer one`,
      );
    case 'passed':
      return plain(
        `nobody published in ${amount(event.through - event.from + 1, 'round')} up to ${event.through}`,
      );
    case 'weighed':
      return weighedText(event, nameOf);
    case 'round-started':
    case 'published':
    case 'accepted':
    case 'refused':
    case 'finalised':
      return null;
    default:
      return event satisfies never;
  }
}

/** What did not come about as its members meant it. */
function weighedText(
  { round, vote, deltas }: Extract<NodeEvent['event'], { kind: 'weighed' }>,
  nameOf: NameOf,
): EventText | null {
  if (vote?.outcome === 'rolled-back') {
    const grew = `${(100 * (vote.growth ?? 0)).toFixed(1)} %`;
    return trouble(
      `round ${round} is rolled back: with it the loss grew by ${grew}, in the median of ${vote.said} of ${vote.voters} voters`,
    );
  }
  const silenced = deltas.filter(({ why }) => why === 'silenced').map(({ author }) => nameOf(author));
  if (silenced.length === 0) return null;
  return plain(`in round ${round} deltas of ${silenced.join(', ')} carried no weight: silenced`);
}

function networkText(event: (NodeEvent & { source: 'network' })['event'], nameOf: NameOf): EventText | null {
  switch (event.kind) {
    case 'peer-up':
      return good(`connected to ${nameOf(event.peer)}`);
    case 'peer-down':
      return plain(`lost ${nameOf(event.peer)}`);
    case 'bootstrap-answered':
      return good(`found the network through ${event.address}`);
    case 'no-bootstrap-answers':
      return trouble(
        `none of ${amount(event.addresses.length, 'bootstrap')} answers and nobody else is connected: give the address of a running node with --bootstrap`,
      );
    case 'bootstraps-have-our-key':
      return trouble(
        'every bootstrap has the key of this node: if its directory was copied, stop one of the two and give it an empty --dir',
      );
    case 'announced-to-nobody':
      return trouble('published while no peer listened: those who come later ask for it');
    case 'link-closed':
      return event.reason === 'deaf'
        ? trouble(`${nameOf(event.peer)} does not answer any more: the link was closed`)
        : plain(`let go of ${nameOf(event.peer)}: there are links enough`);
    case 'provided':
    case 'provide-failed':
    case 'providers-found':
    case 'find-failed':
    case 'dial-failed':
    case 'request-served':
    case 'request-refused':
    case 'untold':
      return null;
    default:
      return event satisfies never;
  }
}

function sessionText(event: (NodeEvent & { source: 'session' })['event']): EventText | null {
  switch (event.kind) {
    case 'searching':
      return plain('asking peers for the manifest');
    case 'manifest-refused':
      return trouble(`a peer sent a manifest that is none: ${event.reason}`);
    case 'opened':
      return plain(`takes part in ${event.facts.name}: ${amount(event.facts.rounds, 'round')}`);
    case 'file-wanted':
      return plain(
        `asks peers for ${event.name}, ${event.isPublished ? 'published in' : 'a file of'} the run: ${(event.bytes / 1e6).toFixed(1)} MB`,
      );
    case 'file-refused':
      return trouble(`a peer sent something else than the file that was asked for: ${event.reason}`);
    case 'file-pulled':
    case 'working':
      return null;
    case 'file-complete':
      return good(`${event.name}, a file of the run, is here`);
    case 'prepared':
      return plain(`trains on ${event.backend}`);
    case 'running':
      return good(event.isBack ? `back in the run, in round ${event.round}` : 'the run is running here');
    case 'evaluated': {
      const headline = headlineOf(event);
      const figure =
        headline?.id === 'accuracy'
          ? `${writeMeasure(headline)} right`
          : headline && `${headline.id} ${writeMeasure(headline)}`;
      return plain(
        `${figure ?? 'measured'} on ${amount(event.examples, 'held-out example')}, with the model of round ${event.round}`,
      );
    }
    case 'evaluation-failed':
      return trouble(`the model could not be evaluated: ${event.reason}`);
    case 'saved':
      return good(`the model is saved as ${event.path}`);
    case 'save-failed':
      return trouble(`the model could not be saved: ${event.reason}`);
    case 'snapshot-not-kept':
      return trouble(`a snapshot is not kept for joiners on slow lines: ${event.reason}`);
    case 'input-dropped':
      return trouble(
        `what a peer sent broke the core and was dropped, which is a defect of this program: ${event.reason}`,
      );
    case 'ended':
      return event.failure === null
        ? plain(event.isLeft ? 'left the run' : 'stopped')
        : trouble(`cannot go on: ${event.failure}`);
    case 'privacy':
      return event.isBeginning ? plain(`examples are protected: ${privacyText(event.state)}`) : null;
    case 'sampled':
      return null;
    default:
      return event satisfies never;
  }
}
