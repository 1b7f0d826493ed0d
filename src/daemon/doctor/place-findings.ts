/** Is it running, may it write, is there room? */
import type { DoctorFacts, MachineFacts, PlaceFacts, ProcessFacts } from './facts.ts';
import type { Finding } from './finding.ts';

const MB = 1e6;
/** Guesses: a node takes up to 250 MB while it trains a small model, one that runs has taken them. */
const memoryWanted = { running: 128 * MB, toStart: 384 * MB } as const;
const memoryLeast = { running: 32 * MB, toStart: 192 * MB } as const;
/** A node that cannot write its next round stands still. */
const diskLeast = 64 * MB;

export function placeFindings({ place, machine, process }: DoctorFacts): Finding[] {
  return [
    processFinding(process, place?.isOfBootstrap ?? false),
    ...(place === null ? [] : directoryFindings(place)),
    ...(machine === null ? [] : [memoryFinding(machine, process)]),
  ];
}

function processFinding(process: ProcessFacts, isOfBootstrap: boolean): Finding {
  const id = 'process';
  switch (process.kind) {
    case 'none':
      return isOfBootstrap
        ? {
            ...{ id, level: 'watch', text: 'a bootstrap ran here, and does no more' },
            todo: 'start it with `starlings bootstrap`',
          }
        : { id, level: 'watch', text: 'no node runs here', todo: 'start it with `starlings node`' };
    case 'killed':
      return {
        ...{
          id,
          level: 'wrong',
          text: `${process.file} names process ${process.pid}, which is gone: it was killed`,
        },
        todo: isOfBootstrap
          ? 'start the bootstrap again: the file is replaced'
          : 'start the node again: it goes on where it was, and the file is replaced',
      };
    case 'silent':
      return {
        ...{ id, level: 'wrong', text: `${process.http} does not answer (${process.reason})` },
        todo:
          process.pid === null
            ? 'check the address, and that the node runs: its API listens on 127.0.0.1 of its own machine alone, unless its file says otherwise'
            : `look at the end of log.jsonl, then end process ${process.pid} and start the node again`,
      };
    case 'closed':
      return {
        ...{ id, level: 'wrong', text: `${process.http} answers, and says: ${process.reason}` },
        todo: 'give the file of its token with --token-file',
      };
    case 'stranger':
      return {
        ...{
          id,
          level: 'wrong',
          text: `${process.http} is the API of another node, ${process.peerKey.slice(0, 8)}`,
        },
        todo: 'this node was killed and another took its port: start it again, with an `httpPort` of its own',
      };
    case 'bootstrap':
      return { id, level: 'fine', text: `a bootstrap runs as process ${process.pid}` };
    case 'answers':
      return { id, level: 'fine', text: `starlings ${process.version} answers at ${process.http}` };
    default:
      return process satisfies never;
  }
}

function directoryFindings(place: PlaceFacts): Finding[] {
  if (!place.isThere) {
    return [
      {
        ...{ id: 'directory', level: 'watch', text: `${place.path} does not exist: no node has run there` },
        todo: 'name the directory of the node with --dir, or start a node, which makes it',
      },
    ];
  }
  const findings: Finding[] = [];
  if (!place.isWritable) {
    findings.push({
      ...{ id: 'directory', level: 'wrong', text: `${place.path} may not be written by this user` },
      todo: `run the node as the owner of the directory, or give it away: \`chown -R USER ${place.path}\``,
    });
  }
  if (place.keyProblem !== null) {
    findings.push({
      ...{ id: 'key', level: 'wrong', text: place.keyProblem },
      todo: `let nobody else read the key: \`chmod 600 ${place.keyFile}\`, or put a copy of the right one there`,
    });
  }
  if (place.isTokenOpen) {
    findings.push({
      ...{
        id: 'token',
        level: 'wrong',
        text: `others may read control.token in ${place.path} and command the node`,
      },
      todo: 'start the node again, which makes a new one that its owner alone can read',
    });
  }
  return [...findings, diskFinding(place)];
}

function diskFinding({ path, diskFreeBytes, diskWantedBytes }: PlaceFacts): Finding {
  const id = 'disk';
  if (diskFreeBytes === null)
    return { id, level: 'fine', text: `the file system of ${path} does not say what is free` };
  const text = `${inMB(diskFreeBytes)} MB are free for ${path}`;
  if (diskFreeBytes < diskLeast) {
    return { id, level: 'wrong', text, todo: 'free some: a node that cannot write stands still' };
  }
  if (diskFreeBytes < diskWantedBytes) {
    return {
      ...{ id, level: 'watch', text: `${text}, and this node may come to take ${inMB(diskWantedBytes)} MB` },
      todo: 'free some, or give the node a smaller `contentBytesMax`',
    };
  }
  return { id, level: 'fine', text };
}

function memoryFinding({ memoryFreeBytes }: MachineFacts, process: ProcessFacts): Finding {
  const when = process.kind === 'answers' || process.kind === 'bootstrap' ? 'running' : 'toStart';
  const text = `${inMB(memoryFreeBytes)} MB of memory are free`;
  const isShort = memoryFreeBytes < memoryWanted[when];
  if (!isShort) return { id: 'memory', level: 'fine', text };
  return {
    ...{ id: 'memory', level: memoryFreeBytes < memoryLeast[when] ? 'wrong' : 'watch', text },
    todo: 'end other programs, or run fewer nodes on this machine: one takes some 250 MB while it trains a small model',
  };
}

function inMB(bytes: number): string {
  return Math.round(bytes / MB).toLocaleString('en');
}
