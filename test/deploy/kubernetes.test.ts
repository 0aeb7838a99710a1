import { describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/common/errors.js';
import { loadJob } from '../../src/job/load.js';
import { Manifests, deployPath, findKubectl, flag } from './manifests.js';
import type { JobManifest } from './manifests.js';

const kubectl = findKubectl();
const deployments: [string, Manifests][] = [
  ['the base as written', Manifests.asWritten()],
  ...(kubectl === null
    ? []
    : ([
        ['the base as rendered', Manifests.rendered(kubectl, 'base')],
        ['the example overlay as rendered', Manifests.rendered(kubectl, 'overlays/example')],
      ] satisfies [string, Manifests][])),
];

const podOf = (job: JobManifest) => job.spec.template.spec;
const containerOf = (job: JobManifest) => podOf(job).containers[0];

describe.each(deployments)('%s', (_title, manifests) => {
  const coordinator = manifests.get('Job', 'lockstep-coordinator');
  const worker = manifests.get('Job', 'lockstep-worker');
  const roles = [
    { name: 'coordinator', job: coordinator, grpc: 7700, http: 7780 },
    { name: 'worker', job: worker, grpc: 7701, http: 7781 },
  ];

  it('starts the coordinator on the mounted job and lets it resume', () => {
    expect(containerOf(coordinator).args).toEqual(
      'coordinator /etc/lockstep/job.yaml --listen 0.0.0.0:7700 --http 0.0.0.0:7780 --out /runs/job --resume auto --insecure'.split(' '),
    ); // prettier-ignore
    expect(containerOf(coordinator).volumeMounts.map(({ mountPath }) => mountPath)).toEqual([
      '/etc/lockstep',
      '/runs',
      '/tmp',
    ]);
    const claim = podOf(coordinator).volumes.find(({ name }) => name === 'runs')?.persistentVolumeClaim?.claimName;
    expect(manifests.find('PersistentVolumeClaim', claim ?? '')).toBeDefined();
    expect(coordinator.spec.backoffLimit).toBeGreaterThan(0);
    expect(podOf(coordinator).restartPolicy).toBe('OnFailure');
  });

  it('starts workers that dial the service of the coordinator', () => {
    expect(containerOf(worker).args.slice(0, 8)).toEqual(
      'worker --coordinator lockstep-coordinator:7700 --listen 0.0.0.0:7701 --http 0.0.0.0:7781 --insecure'.split(' '),
    );
    const [host, port] = (flag(containerOf(worker), 'coordinator') ?? '').split(':');
    const service = manifests.get('Service', host ?? '');
    expect(service.spec.ports.map((entry) => entry.port)).toContain(Number(port));
  });

  it('has as many workers as pods of an Indexed job, each under a name of its own', () => {
    const { completions, parallelism, completionMode } = worker.spec;
    expect(completionMode).toBe('Indexed');
    expect(parallelism).toBe(completions);
    expect(completions).toBeGreaterThanOrEqual(2);
    expect(manifests.get('Service', podOf(worker).subdomain ?? '').spec.clusterIP).toBe('None');
  });

  it('ends with the first worker that says the run is done, retries losses, gives up where trying again cannot help', () => {
    expect(worker.spec.successPolicy?.rules).toEqual([{ succeededCount: 1 }]);
    expect(worker.spec.backoffLimitPerIndex).toBeGreaterThan(0);
    expect(podOf(worker).restartPolicy).toBe('Never');
    const rules = worker.spec.podFailurePolicy?.rules ?? [];
    expect(rules[0]).toMatchObject({
      action: 'Ignore',
      onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }],
    });
    expect(
      rules.slice(1).map(({ action, onExitCodes }) => [action, onExitCodes?.values, onExitCodes?.containerName]),
    ).toEqual([
      ['FailJob', [EXIT_CODES.usage, EXIT_CODES.job], containerOf(worker).name],
      ['FailIndex', [EXIT_CODES.data], containerOf(worker).name],
    ]);
  });

  it.each(roles)('gives the $name the join token, from a secret that is not part of it', ({ job }) => {
    const token = containerOf(job).env.find(({ name }) => name === 'LOCKSTEP_TOKEN');
    expect(token?.valueFrom.secretKeyRef).toEqual({ name: 'lockstep-token', key: 'token' });
    expect(manifests.objects.map(({ kind }) => kind)).not.toContain('Secret');
  });

  it.each(roles)('probes the $name over HTTP and announces it to Prometheus', ({ job, http }) => {
    const { ports, startupProbe, livenessProbe, readinessProbe } = containerOf(job);
    expect(ports.find(({ name }) => name === 'http')?.containerPort).toBe(http);
    expect(startupProbe.httpGet).toEqual({ path: '/healthz', port: 'http' });
    expect(livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'http' });
    expect(readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http' });
    expect(flag(containerOf(job), 'http')).toBe(`0.0.0.0:${http}`);
    expect(job.spec.template.metadata.annotations).toMatchObject({
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': String(http),
      'prometheus.io/path': '/metrics',
    });
  });

  it.each(roles)('runs the $name under the restricted pod security standard', ({ job }) => {
    expect(podOf(job).securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(podOf(job).automountServiceAccountToken).toBe(false);
    expect(containerOf(job).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(podOf(job).terminationGracePeriodSeconds).toBeGreaterThanOrEqual(60);
  });

  it.each(roles)('reaches the $name by a headless service', ({ name, job, grpc, http }) => {
    const { spec } = manifests.get('Service', `lockstep-${name}`);
    expect(spec.clusterIP).toBe('None');
    expect(spec.publishNotReadyAddresses).toBe(true);
    expect(spec.ports.map(({ port }) => port)).toEqual([grpc, http]);
    expect(job.spec.template.metadata.labels).toMatchObject(spec.selector);
  });

  it.each(roles)(
    'lets only pods of the run dial the $name, and only Prometheus scrape it',
    ({ name, job, grpc, http }) => {
      const { spec } = manifests.get('NetworkPolicy', `lockstep-${name}`);
      expect(spec.policyTypes).toEqual(['Ingress']);
      expect(job.spec.template.metadata.labels).toMatchObject(spec.podSelector.matchLabels);
      const [pods, scrapers] = spec.ingress;
      expect(pods?.from.every((peer) => 'podSelector' in peer)).toBe(true);
      expect(pods?.ports.map(({ port }) => port)).toEqual([grpc]);
      expect(scrapers?.from.every((peer) => 'namespaceSelector' in peer)).toBe(true);
      expect(scrapers?.ports.map(({ port }) => port)).toEqual([http]);
      expect(spec.ingress).toHaveLength(2);
    },
  );
});

describe.each([
  ['base', 2],
  ['overlays/example', 8],
])('the job file of %s', (folder, workers) => {
  it('is a valid job for as many workers as there are pods', () => {
    const { job } = loadJob(deployPath(`${folder}/job.yaml`));
    expect(job.cluster.workers).toBe(workers);
    expect(job.training.shards).toBeGreaterThanOrEqual(workers);
  });

  it('trains the same model as every other one', () => {
    const { cluster: _cluster, ...job } = loadJob(deployPath(`${folder}/job.yaml`)).job;
    const { cluster: _baseCluster, ...base } = loadJob(deployPath('base/job.yaml')).job;
    expect(job).toEqual(base);
  });
});

if (kubectl !== null) {
  const example = Manifests.rendered(kubectl, 'overlays/example');
  const base = Manifests.rendered(kubectl, 'base');

  describe('kustomize', () => {
    it('puts the whole overlay into its namespace, which enforces the restricted standard', () => {
      for (const { kind, metadata } of example.objects) {
        if (kind !== 'Namespace')
          expect({ kind, namespace: metadata.namespace }).toEqual({ kind, namespace: 'lockstep-mnist' });
      }
      expect(example.find('Namespace', 'lockstep-mnist').metadata).toMatchObject({
        labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
      });
    });

    it('scales the workers, names the registry and forces the portable kernels', () => {
      const worker = example.get('Job', 'lockstep-worker');
      expect(worker.spec).toMatchObject({ completions: 8, parallelism: 8 });
      expect(containerOf(worker).image).toMatch(/^registry\.example\.com\/lockstep:\d/);
      expect(flag(containerOf(worker), 'backend')).toBe('wasm');
    });

    it.each([
      ['base', base],
      ['overlay', example],
    ])('mounts the job file of the %s under a name that follows its content', (_title, manifests) => {
      const volume = podOf(manifests.get('Job', 'lockstep-coordinator')).volumes.find(({ name }) => name === 'job');
      expect(volume?.configMap?.name).toMatch(/^lockstep-job-[a-z0-9]{10}$/);
      expect(manifests.find('ConfigMap', volume?.configMap?.name ?? '')).toHaveProperty(['data', 'job.yaml']);
    });
  });
}
