/** The processes that hold a coordinator and waiting workers, on this host or in two network namespaces; they play one plan after the other. */
import { builtModule } from '../../common/package.js';
import { MeasuredProcess } from '../processes.js';
import type { CoordinatorRequest, PhaseResult } from './coordinator.js';
import type { ScalePlan } from './plan.js';
import type { WorkersRequest } from './workers.js';

/** A place where processes run. */
export interface Site {
  /** Address that the others reach it at. */
  readonly host: string;
  /** Command and arguments that start a process there. */
  readonly through: readonly string[];
  /** Network interface towards the other place. */
  readonly device: string | null;
}

const HERE: Site = { host: '127.0.0.1', through: [], device: null };

/** Processes that workers are spread over: what one of them does must not hold up too many others. */
const PROCESSES = 4;

interface WorkerProcess {
  readonly site: Site;
  readonly process: MeasuredProcess;
}

export class ScaleCluster {
  readonly #home: Site;
  readonly #coordinator: MeasuredProcess;
  readonly #workers: readonly WorkerProcess[];

  /** On this host. */
  static here(): ScaleCluster {
    return new ScaleCluster(
      HERE,
      Array.from({ length: PROCESSES }, () => HERE),
    );
  }

  /** @param workerSites one process of workers for each. */
  constructor(home: Site, workerSites: readonly Site[]) {
    this.#home = home;
    const start = (name: string, module: string, { through }: Site): MeasuredProcess =>
      MeasuredProcess.ofModule(name, builtModule(module), {}, { through });
    this.#coordinator = start('the coordinator', 'src/bench/scale/coordinator.js', home);
    this.#workers = workerSites.map((site) => ({
      site,
      process: start('a process of workers', 'src/bench/scale/workers.js', site),
    }));
  }

  /** Plays the phases of a plan. */
  async run(plan: ScalePlan): Promise<readonly PhaseResult[]> {
    const request: CoordinatorRequest = { ...plan, host: this.#home.host, device: this.#home.device };
    const { port } = await this.#coordinator.ask<{ port: number }>(request);
    const count = this.#workers.length;
    const gone = this.#workers.map(({ site, process }, index) => {
      const { phases } = plan;
      const share = Math.floor((plan.workers + index) / count);
      const part: WorkersRequest = {
        coordinator: { host: this.#home.host, port },
        host: site.host,
        count: share,
        phases,
      };
      return process.ask<object>(part);
    });
    const failed = new Promise<never>((_, reject) => {
      for (const leaving of gone) leaving.catch(reject);
    });
    const { phases } = await Promise.race([this.#coordinator.hear<{ phases: readonly PhaseResult[] }>(), failed]);
    await Promise.all(gone);
    return phases;
  }

  async end(): Promise<void> {
    await Promise.all([this.#coordinator, ...this.#workers.map(({ process }) => process)].map((one) => one.end()));
  }
}
