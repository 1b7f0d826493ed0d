/** Names on the wire. Protocols and topics of a run carry its id: several runs may share one network. */
import { CID } from 'multiformats/cid';

export const KAD_PROTOCOL = '/starlings/kad/1.0.0';
export const CLOCK_PROTOCOL = '/starlings/clock/1.0.0';
export const MANIFEST_PROTOCOL = '/starlings/manifest/1.0.0';

export function exchangeProtocol(runId: string): string {
  return `/starlings/exchange/4.0.0/${runId}`;
}

export function filesProtocol(runId: string): string {
  return `/starlings/files/2.0.0/${runId}`;
}

/** A topic travels with every announcement. Of a run id so much has 130 bits of a hash, of a hidden run's name 104: nobody finds two runs with one topic. */
const topicIdLength = 26;

export function announcementTopic(runId: string): string {
  return `starlings/4/${runId.slice(-topicIdLength)}`;
}

/** The key under which peers of the run and holders of its manifest are found in the DHT. */
export function runCid(runId: string): CID {
  return CID.parse(runId);
}

/** Of any version. */
export function isGossip(protocol: string): boolean {
  return protocol.startsWith('/meshsub/');
}
