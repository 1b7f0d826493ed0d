/** Who says what: a kind of event has one source, so that a log need not name it. */
import type { RunEvent } from './events.ts';

type Kind = RunEvent['event']['kind'];

type SourceOf<K extends Kind> = {
  [S in RunEvent['source']]: K extends Extract<RunEvent, { source: S }>['event']['kind'] ? S : never;
}[RunEvent['source']];

/** A new kind does not compile until it has its row. */
const sources: { readonly [K in Kind]: SourceOf<K> } = {
  phase: 'protocol',
  'round-started': 'protocol',
  published: 'protocol',
  skipped: 'protocol',
  accepted: 'protocol',
  refused: 'protocol',
  finalised: 'protocol',
  weighed: 'protocol',
  passed: 'protocol',
  restored: 'protocol',
  equivocation: 'protocol',
  fork: 'protocol',
  joined: 'protocol',
  'checkpoint-missing': 'protocol',
  diverging: 'protocol',
  'bootstrap-answered': 'network',
  'no-bootstrap-answers': 'network',
  'bootstraps-have-our-key': 'network',
  provided: 'network',
  'provide-failed': 'network',
  'providers-found': 'network',
  'find-failed': 'network',
  'peer-up': 'network',
  'peer-down': 'network',
  'dial-failed': 'network',
  'link-closed': 'network',
  'announced-to-nobody': 'network',
  'request-served': 'network',
  'request-refused': 'network',
  untold: 'network',
  searching: 'session',
  'manifest-refused': 'session',
  opened: 'session',
  prepared: 'session',
  running: 'session',
  sampled: 'session',
  evaluated: 'session',
  'evaluation-failed': 'session',
  saved: 'session',
  'save-failed': 'session',
  'snapshot-not-kept': 'session',
  'input-dropped': 'session',
  'file-wanted': 'session',
  'file-refused': 'session',
  'file-pulled': 'session',
  working: 'session',
  'file-complete': 'session',
  privacy: 'session',
  ended: 'session',
};

/** Null for what is no kind of event. */
export function sourceOf(kind: string): RunEvent['source'] | null {
  return Object.hasOwn(sources, kind) ? sources[kind as Kind] : null;
}
