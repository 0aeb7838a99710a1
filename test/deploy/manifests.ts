import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url));

/** Kubernetes objects, as far as the tests look at them. Fields that are missing make parsing fail. */
const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });

const container = z.object({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(
    z.object({
      name: z.string(),
      valueFrom: z.object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) }),
    }),
  ),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.object({ memory: z.string() }),
  }),
  securityContext: z.unknown(),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
});

const job = z.object({
  kind: z.literal('Job'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    backoffLimit: z.number().optional(),
    backoffLimitPerIndex: z.number().optional(),
    completions: z.number().optional(),
    parallelism: z.number().optional(),
    completionMode: z.string().optional(),
    successPolicy: z.object({ rules: z.array(z.object({ succeededCount: z.number() })) }).optional(),
    podFailurePolicy: z
      .object({
        rules: z.array(
          z.object({
            action: z.string(),
            onExitCodes: z
              .object({ containerName: z.string(), operator: z.string(), values: z.array(z.number()) })
              .optional(),
            onPodConditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
          }),
        ),
      })
      .optional(),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()), annotations: z.record(z.string(), z.string()) }),
      spec: z.object({
        restartPolicy: z.string(),
        subdomain: z.string().optional(),
        terminationGracePeriodSeconds: z.number(),
        automountServiceAccountToken: z.boolean(),
        securityContext: z.object({
          runAsNonRoot: z.boolean(),
          runAsUser: z.number(),
          seccompProfile: z.object({ type: z.string() }),
        }),
        containers: z.tuple([container]),
        volumes: z.array(
          z.object({
            name: z.string(),
            configMap: z.object({ name: z.string() }).optional(),
            persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
          }),
        ),
      }),
    }),
  }),
});

const service = z.object({
  kind: z.literal('Service'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    clusterIP: z.string(),
    publishNotReadyAddresses: z.boolean(),
    selector: z.record(z.string(), z.string()),
    ports: z.array(z.object({ name: z.string(), port: z.number(), targetPort: z.string() })),
  }),
});

const policy = z.object({
  kind: z.literal('NetworkPolicy'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    podSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    policyTypes: z.array(z.string()),
    ingress: z.array(
      z.object({
        from: z
          .array(z.union([z.object({ podSelector: z.unknown() }), z.object({ namespaceSelector: z.unknown() })]))
          .min(1),
        ports: z.array(z.object({ port: z.number() })).min(1),
      }),
    ),
  }),
});

const schemas = { Job: job, Service: service, NetworkPolicy: policy };
type Kinds = { [K in keyof typeof schemas]: z.infer<(typeof schemas)[K]> };
export type JobManifest = Kinds['Job'];
export type Container = z.infer<typeof container>;

export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** The objects of one deployment. */
export class Manifests {
  constructor(readonly objects: readonly KubernetesObject[]) {}

  /** The files that the base's kustomization lists, as they are written. */
  static asWritten(): Manifests {
    const { resources } = parse(readDeployFile('base/kustomization.yaml')) as { resources: string[] };
    return new Manifests(resources.flatMap((file) => documents(readDeployFile(`base/${file}`))));
  }

  /** What `kubectl kustomize` makes of a folder. */
  static rendered(kubectl: string, folder: string): Manifests {
    const { status, stdout, stderr } = spawnSync(kubectl, ['kustomize', ROOT + folder], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`kubectl kustomize ${folder} ended with ${status}: ${stderr}`);
    return new Manifests(documents(stdout));
  }

  get<K extends keyof Kinds>(kind: K, name: string): Kinds[K] {
    return schemas[kind].parse(this.find(kind, name)) as Kinds[K];
  }

  find(kind: string, name: string): KubernetesObject {
    const found = this.objects.find((object) => object.kind === kind && object.metadata.name === name);
    if (found === undefined) throw new Error(`There is no ${kind} ${name}`);
    return found;
  }
}

/** The kubectl to render with: `LOCKSTEP_KUBECTL`, or one on the PATH; null where there is none. */
export function findKubectl(): string | null {
  const named = process.env['LOCKSTEP_KUBECTL'];
  if (named !== undefined) return named;
  return spawnSync('kubectl', ['version', '--client']).status === 0 ? 'kubectl' : null;
}

export function readDeployFile(path: string): string {
  return readFileSync(ROOT + path, 'utf8');
}

export function deployPath(path: string): string {
  return ROOT + path;
}

/** The value of `--flag` in the arguments of a container. */
export function flag(from: Container, name: string): string | undefined {
  const at = from.args.indexOf(`--${name}`);
  return at < 0 ? undefined : from.args[at + 1];
}

function documents(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw problem;
    return document.toJS() as KubernetesObject;
  });
}
