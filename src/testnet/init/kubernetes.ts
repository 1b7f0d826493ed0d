/** A testnet as manifests of Kubernetes: a StatefulSet of bootstraps, one of nodes, their headless services, keys and the run. */
import { stringify } from 'yaml';
import { healthScript, othersOf } from './compose.ts';
import type { Seat } from './plan.ts';

export interface KubernetesOptions {
  readonly seats: readonly Seat[];
  readonly bootstraps: readonly string[];
  readonly image: string;
  readonly namespace: string;
  /** Content of the key file of each member, by its name. */
  readonly keys: ReadonlyMap<string, string>;
  readonly manifest: Uint8Array;
  readonly nodeFile: string;
  /** Data in the image that every node takes its share of; null: the volumes are filled by hand. */
  readonly split: { readonly path: string; readonly alpha: number } | null;
}

const home = '/var/lib/starlings';
const uid = 10_001;

/** File name to content; the keys are apart, to be kept elsewhere. */
export function kubernetesFiles(options: KubernetesOptions): Readonly<Record<string, string>> {
  const { namespace, nodeFile, manifest } = options;
  const meta = (name: string) => ({ name, namespace, labels: { 'app.kubernetes.io/part-of': 'starlings' } });
  const rest = [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: meta('run'),
      data: { 'node.yaml': nodeFile },
      binaryData: { 'run.manifest': Buffer.from(manifest).toString('base64') },
    },
    ...(['bootstrap', 'node'] as const).flatMap((role) => [
      { apiVersion: 'v1', kind: 'Service', metadata: meta(`${role}s`), spec: serviceSpec(role) },
      { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: meta(role), spec: setSpec(role, options) },
    ]),
  ];
  const secrets = (['bootstrap', 'node'] as const).map((role) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: meta(`${role}-keys`),
    type: 'Opaque',
    stringData: Object.fromEntries(
      options.seats
        .filter((seat) => seat.role === role)
        .map(({ name, index }) => [`${role}-${index}`, options.keys.get(name)!]),
    ),
  }));
  const joined = (documents: readonly object[]): string =>
    documents.map((each) => stringify(each)).join('---\n');
  return { 'keys.yaml': joined([rest[0]!, ...secrets]), 'starlings.yaml': joined(rest) };
}

/** Headless: each pod has a name of its own, also before it is ready, for nobody is ready before it has found others. */
function serviceSpec(role: Seat['role']) {
  return {
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    selector: { app: role },
    ports: [{ name: 'p2p', port: 4001, targetPort: 'p2p' }],
  };
}

function setSpec(role: Seat['role'], options: KubernetesOptions) {
  const { seats, image } = options;
  return {
    serviceName: `${role}s`,
    replicas: seats.filter((seat) => seat.role === role).length,
    podManagementPolicy: 'Parallel',
    selector: { matchLabels: { app: role } },
    template: {
      metadata: { labels: { app: role, 'app.kubernetes.io/part-of': 'starlings' } },
      spec: {
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 30,
        securityContext: {
          ...{
            runAsNonRoot: true,
            runAsUser: uid,
            runAsGroup: uid,
            fsGroup: uid,
            fsGroupChangePolicy: 'OnRootMismatch',
          },
          seccompProfile: { type: 'RuntimeDefault' },
        },
        initContainers: [
          {
            name: 'prepare',
            image,
            command: ['sh', '-c', prepareScript(role, options)],
            ...containerCommon(),
            volumeMounts: mounts(true),
          },
        ],
        containers: [
          {
            ...{ name: role, image, ...containerCommon(), volumeMounts: mounts(false) },
            ports: [{ name: 'p2p', containerPort: 4001 }],
            ...(role === 'node' ? nodeContainer(options) : bootstrapContainer(options)),
          },
        ],
        volumes: [
          { name: 'run', configMap: { name: 'run' } },
          { name: 'keys', secret: { secretName: `${role}-keys` } },
          { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
        ],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'home' },
        spec: {
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: role === 'node' ? '4Gi' : '256Mi' } },
        },
      },
    ],
  };
}

/**
 * The key is copied: a group that the volume belongs to may read what is mounted from a secret, and a node refuses such a key. The pod sees
 * no key but its own.
 */
function prepareScript(role: Seat['role'], { split, seats }: KubernetesOptions): string {
  const key = `umask 077; test -e ${home}/key || cp /keys/key ${home}/key`;
  if (role === 'bootstrap') return key;
  const nodes = seats.filter((seat) => seat.role === 'node').length;
  const data =
    split === null
      ? `until test -e ${home}/data; do echo "waiting for ${home}/data: kubectl cp"; sleep 5; done`
      : `test -e ${home}/data || { node dist/src/cli/main.js data split ${split.path} --run /etc/starlings/run.manifest --nodes ${nodes} ` +
        `--alpha ${split.alpha} --out /tmp/shares && cp -r "/tmp/shares/node-$(printf %02d "\${POD_NAME##*-}")" ${home}/data.part && mv ${home}/data.part ${home}/data; }`;
  return `set -eu; ${key}; ${data}`;
}

function containerCommon() {
  return {
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    resources: { requests: { cpu: '250m', memory: '384Mi' }, limits: { cpu: '2', memory: '1Gi' } },
  };
}

function mounts(withKey: boolean) {
  return [
    { name: 'home', mountPath: home },
    { name: 'run', mountPath: '/etc/starlings', readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
    ...(withKey
      ? [{ name: 'keys', mountPath: '/keys/key', subPathExpr: '$(POD_NAME)', readOnly: true }]
      : []),
  ];
}

function announced(role: Seat['role'], namespace: string): string {
  return `/dns4/$(POD_NAME).${role}s.${namespace}.svc.cluster.local/tcp/4001`;
}

function nodeContainer({ namespace }: KubernetesOptions) {
  const probe = (path: string, more: object) => ({
    exec: { command: ['node', '-e', healthScript(path)] },
    ...{ timeoutSeconds: 10, periodSeconds: 30, ...more },
  });
  return {
    args: ['node', '--config', '/etc/starlings/node.yaml', '--announce', announced('node', namespace)],
    // A run may take minutes to be prepared.
    startupProbe: probe('/health', { periodSeconds: 5, failureThreshold: 120 }),
    livenessProbe: probe('/health', { failureThreshold: 3 }),
    readinessProbe: probe('/ready', {}),
  };
}

function bootstrapContainer({ namespace, bootstraps, seats }: KubernetesOptions) {
  const first = seats[0]!;
  return {
    args: [
      ...[
        'bootstrap',
        '--dir',
        home,
        '--listen',
        first.listen,
        '--announce',
        announced('bootstrap', namespace),
      ],
      // Its own address among them is left out by itself.
      ...othersOf({ ...first, dial: '' }, bootstraps),
    ],
    readinessProbe: { tcpSocket: { port: 'p2p' } },
    livenessProbe: { tcpSocket: { port: 'p2p' }, periodSeconds: 30, failureThreshold: 3 },
  };
}
