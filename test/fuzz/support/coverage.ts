import { type Profiler, Session } from 'node:inspector'

/** What of the code was reached so far: blocks, as V8 counts them, and about how often in one run. */
export class Coverage {
  readonly #session = new Session()
  readonly #seen = new Set<string>()
  readonly #counts: (url: string) => boolean

  /** `counts` tells which files are looked at. */
  constructor(counts: (url: string) => boolean) {
    this.#counts = counts
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    this.added()
  }

  /** How many blocks and counts were seen. */
  get size(): number {
    return this.#seen.size
  }

  /** How many more the code that ran since the last time adds. */
  added(): number {
    const before = this.#seen.size
    // In this process the answer is there when `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error) throw error
      for (const script of answer?.result ?? []) if (this.#counts(script.url)) this.#add(script)
    })
    return this.#seen.size - before
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }

  #add({ scriptId, functions }: Profiler.ScriptCoverage): void {
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        // 0, 1, 2, 3, 4–7, 8–15, …: twice as often is something new, once more is not. A block that
        // was left out is new as well: what runs instead is part of the one around it.
        const often = count < 4 ? count : 2 + Math.floor(Math.log2(count))
        this.#seen.add(`${scriptId} ${startOffset} ${endOffset} ${often}`)
      }
    }
  }
}
