import type { ConfigCheck, Gateway, ReloadReport } from '@flatend/gateway'
import { ConfigError, formatProblem } from '@flatend/gateway'
import type { Logger } from '../logger.ts'

/** What came of a reload. */
export interface ReloadOutcome {
  readonly ok: boolean
  /** What is wrong, a line each; empty where `ok`. */
  readonly problems: readonly string[]
  readonly report: ReloadReport | undefined
}

/** Reloads until now. */
export interface ReloadState {
  readonly succeeded: number
  readonly failed: number
  /** Milliseconds since 1970; `undefined` where there was none. */
  readonly lastAt: number | undefined
  readonly last: ReloadOutcome | undefined
}

/** Options of {@link Reloader}. */
export interface ReloaderOptions {
  readonly gateway: Pick<Gateway, 'reload'>
  /** Reads and checks the configuration anew. */
  readonly load: () => Promise<ConfigCheck>
  readonly log: Logger
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Reloads a gateway, one reload after the other, and remembers how it went. */
export class Reloader {
  readonly #options: ReloaderOptions
  #running: Promise<ReloadOutcome> | undefined
  #next: Promise<ReloadOutcome> | undefined
  #state: ReloadState = { succeeded: 0, failed: 0, lastAt: undefined, last: undefined }

  constructor(options: ReloaderOptions) {
    this.#options = options
  }

  get state(): ReloadState {
    return this.#state
  }

  /**
   * Reads the configuration and serves by it, or leaves all as it is. Whoever asks while one runs
   * shares the one after it: the file may have changed since.
   * @param trigger - who asks, for the log
   */
  reload(trigger: string): Promise<ReloadOutcome> {
    if (this.#running === undefined) return this.#start(trigger)
    this.#next ??= this.#running.then(() => this.#start(trigger))
    return this.#next
  }

  #start(trigger: string): Promise<ReloadOutcome> {
    this.#next = undefined
    this.#running = this.#reload(trigger).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #reload(trigger: string): Promise<ReloadOutcome> {
    const outcome = await this.#attempt()
    const { succeeded, failed } = this.#state
    this.#state = {
      succeeded: succeeded + (outcome.ok ? 1 : 0),
      failed: failed + (outcome.ok ? 0 : 1),
      lastAt: this.#options.now(),
      last: outcome,
    }
    this.#tell(trigger, outcome)
    return outcome
  }

  async #attempt(): Promise<ReloadOutcome> {
    const { load, gateway } = this.#options
    try {
      const { config, problems } = await load()
      if (config === undefined) return failure(problems.map(formatProblem))
      return { ok: true, problems: [], report: await gateway.reload(config) }
    } catch (error) {
      if (error instanceof ConfigError) return failure(error.problems.map(formatProblem))
      return failure([error instanceof Error ? error.message : String(error)])
    }
  }

  #tell(trigger: string, { ok, problems, report }: ReloadOutcome): void {
    const { log } = this.#options
    if (!ok) {
      log.error({ trigger, problems }, 'the configuration was not reloaded: the old one goes on')
      return
    }
    log.info({ trigger, opened: report?.opened, closed: report?.closed }, 'configuration reloaded')
    if (report === undefined || report.needsRestart.length === 0) return
    log.warn({ keys: report.needsRestart }, 'these keys changed, and take effect at the next start')
  }
}

function failure(problems: readonly string[]): ReloadOutcome {
  return { ok: false, problems, report: undefined }
}
