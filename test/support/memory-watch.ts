import type { Process } from './processes.ts'

const MIB = 1_048_576

/** Watches the memory of processes: the most each one grew, in bytes. */
export class MemoryWatch {
  readonly #processes: readonly Process[]
  readonly #before: readonly number[]
  readonly #most: number[]
  readonly #timer: NodeJS.Timeout
  readonly #began = performance.now()

  constructor(...processes: readonly Process[]) {
    this.#processes = processes
    this.#before = processes.map((process) => process.rss())
    this.#most = [...this.#before]
    this.#timer = setInterval(() => this.#look(), 20)
  }

  /** Ends it: the growth of each process. Says it too, with how long it took. */
  stop(what: string): readonly number[] {
    clearInterval(this.#timer)
    this.#look()
    const growth = this.#most.map((most, i) => most - (this.#before[i] ?? 0))
    const memory = growth.map((bytes) => `+${(bytes / MIB).toFixed(0)} MiB`).join(', ')
    const seconds = ((performance.now() - this.#began) / 1_000).toFixed(1)
    process.stdout.write(`${what}: ${seconds} s; gateway, service: ${memory}\n`)
    return growth
  }

  #look(): void {
    for (const [i, process] of this.#processes.entries()) {
      this.#most[i] = Math.max(this.#most[i] ?? 0, process.rss())
    }
  }
}
