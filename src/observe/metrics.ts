/**
 * What the metrics of all roles share: the registry of a process, names, buckets, and the two shapes that prom-client has no
 * type for (state sets and counters that start at zero). Durations come in as milliseconds, as everywhere in the code, and
 * leave as seconds, as everywhere in Prometheus.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export type { Registry } from 'prom-client';

/** Metrics of a role, with the registry that an endpoint serves them from. */
export type Served<Metrics> = Metrics & { readonly registry: Registry };

export const METRIC_PREFIX = 'lockstep_';

/**
 * 0.5 ms … 60 s. The low end is one all-reduce of a small model between two processes of a host (0.3 ms); the high end is
 * beyond the silence after which a worker is given up.
 */
export const DURATION_BUCKETS_SECONDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

export const TRANSFER_DIRECTIONS = ['sent', 'received'] as const;
export type TransferDirection = (typeof TRANSFER_DIRECTIONS)[number];

/** What the process is made of, as labels of `lockstep_build_info`. */
export interface BuildInfo {
  readonly version: string;
  /** Kernel backend. Part of the result: another backend rounds differently. */
  readonly backend: string;
}

export interface MetricsOptions {
  readonly build: BuildInfo;
  /** Memory, CPU, event loop and garbage collection of the process. Default true; they cost a running observer. */
  readonly processMetrics?: boolean;
}

/** Gauges that prom-client's defaults name as if they were counters; Prometheus' own linter rejects them. */
const MISNAMED_DEFAULTS = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** A registry of its own, with build info and process metrics. */
export function createRegistry(role: 'coordinator' | 'worker', options: MetricsOptions): Registry {
  const registry = new Registry();
  if (options.processMetrics ?? true) {
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED_DEFAULTS) registry.removeSingleMetric(name);
  }
  new Gauge({
    name: `${METRIC_PREFIX}build_info`,
    help: 'What this process is made of; the value is always 1.',
    labelNames: ['role', 'version', 'backend', 'node'],
    registers: [registry],
  }).set({ role, version: options.build.version, backend: options.build.backend, node: process.versions.node }, 1);
  return registry;
}

/** Creates metrics in one registry, each name with the prefix of the product. */
export class MetricFactory {
  constructor(readonly registry: Registry) {}

  counter(name: string, help: string): Counter {
    return new Counter({ ...this.#identity(name, help), registers: [this.registry] });
  }

  /** A counter with one label whose values are all there, at zero, from the start: `rate()` needs the first zero. */
  labelledCounter<L extends string>(name: string, help: string, label: L, values: readonly string[]): Counter<L> {
    const counter = new Counter({ ...this.#identity(name, help), labelNames: [label], registers: [this.registry] });
    for (const value of values) counter.labels(value).inc(0);
    return counter;
  }

  gauge(name: string, help: string): Gauge {
    return new Gauge({ ...this.#identity(name, help), registers: [this.registry] });
  }

  labelledGauge<L extends string>(name: string, help: string, ...labels: readonly L[]): Gauge<L> {
    return new Gauge({ ...this.#identity(name, help), labelNames: [...labels], registers: [this.registry] });
  }

  durations(name: string, help: string): Histogram {
    return new Histogram({ ...this.#durations(name, help), registers: [this.registry] });
  }

  labelledDurations<L extends string>(name: string, help: string, label: L, values: readonly string[]): Histogram<L> {
    const histogram = new Histogram({
      ...this.#durations(name, help),
      labelNames: [label],
      registers: [this.registry],
    });
    for (const value of values) histogram.zero(labelsOf(label, value));
    return histogram;
  }

  /** One series per state: 1 for the state the process is in, 0 for every other. */
  stateSet<S extends string>(name: string, help: string, label: string, states: readonly S[]): (state: S) => void {
    const gauge = this.labelledGauge(name, help, label);
    for (const state of states) gauge.labels(state).set(0);
    return (current) => {
      for (const state of states) gauge.labels(state).set(state === current ? 1 : 0);
    };
  }

  #identity(name: string, help: string): { name: string; help: string } {
    return { name: `${METRIC_PREFIX}${name}`, help };
  }

  #durations(name: string, help: string): { name: string; help: string; buckets: number[] } {
    return { ...this.#identity(name, help), buckets: [...DURATION_BUCKETS_SECONDS] };
  }
}

export function secondsFrom(durationMs: number): number {
  return durationMs / 1000;
}

function labelsOf<L extends string>(label: L, value: string): Partial<Record<L, string>> {
  const labels: Partial<Record<L, string>> = {};
  labels[label] = value;
  return labels;
}
